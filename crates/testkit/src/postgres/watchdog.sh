# Stops and deletes a throwaway cluster that nobody uses: HOME-FOLDER IDLE-SECONDS SHARED(true|false).
# The number in the file tells an older watchdog of the same folder that it has been replaced.
echo $$ >"$1/watchdog"
trap '' HUP
home=$1 limit=$2 shared=$3 idle=0
while [ "$(cat "$home/watchdog" 2>/dev/null)" = "$$" ] && [ -d "$home/cluster" ]; do
  sleep 1
  if flock --nonblock --exclusive "$home/in-use.lock" true; then idle=$((idle + 1)); else idle=0; fi
  [ "$idle" -ge "$limit" ] || continue
  exec 8>>"$home/starting.lock" 9>>"$home/in-use.lock"
  if flock --nonblock --exclusive 8 && flock --nonblock --exclusive 9; then
    pid=$(head -n 1 "$home/cluster/postmaster.pid" 2>/dev/null)
    [ -z "$pid" ] || kill -QUIT "$pid" 2>/dev/null
    for step in 1 2 3 4 5 6 7 8 9 10; do
      [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || break
      sleep 1
    done
    rm -rf "$home/cluster" "$home/address" "$home/password" "$home/log" "$home/watchdog"
    [ "$shared" = true ] || rm -rf "$home"
    exit 0
  fi
  exec 8>&- 9>&-
  idle=0
done
# Its owner stopped a cluster of its own and left something behind.
[ "$shared" = true ] || [ -d "$home/cluster" ] || rm -rf "$home"
