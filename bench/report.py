"""Figures as Markdown, and as a drawing."""

import math
import statistics

from load import median, ratios

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 360, 70, 50
COLOURS = ["#1b6ca8", "#c2561a", "#2f8f4e", "#8b3fa0", "#6b6b6b", "#a8861b"]


def against(name, mixes):
    """Holdfast against another server: a row per mix."""
    lines = [f"| mix | Holdfast, req/s | {name}, req/s | ratio (lowest to highest) | p95 ms | processor time per request, ratio | noise |",
             "|---|---:|---:|---:|---:|---:|---:|"]
    for mix, (ours, theirs) in mixes.items():
        ratio = ratios(ours, theirs)
        cost = median(ours, "server_us") / max(0.1, median(theirs, "server_us"))
        noise = max(median(ours, "noise"), median(theirs, "noise"))
        lines.append(
            f"| {mix} | {median(ours, 'per_second'):,.0f} | {median(theirs, 'per_second'):,.0f} | "
            f"**{statistics.median(ratio):.2f}** ({ratio[0]:.2f} to {ratio[-1]:.2f}) | {median(ours, 'p95'):.1f} | {cost:.2f} | {noise:.2f} |")
    return "\n".join(lines)


def alone(mixes):
    """One server: a row per mix."""
    lines = ["| mix | req/s | p50 ms | p95 ms | p99 ms | processor time per request, µs | errors | noise |",
             "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for mix, rounds in mixes.items():
        errors = sum(figures["errors"] for figures in rounds)
        lines.append(f"| {mix} | {median(rounds, 'per_second'):,.0f} | {median(rounds, 'p50'):.1f} | {median(rounds, 'p95'):.1f} | "
                     f"{median(rounds, 'p99'):.1f} | {median(rounds, 'server_us'):.0f} | {errors} | {median(rounds, 'noise'):.2f} |")
    return "\n".join(lines)


def crowds(rows):
    lines = ["| connections | req/s | p50 ms | p95 ms | p99 ms | errors | memory MiB (before them) | KiB per connection |",
             "|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        each = 1024 * (row["memory_mib"] - row["memory_before_mib"]) / row["connections"]
        lines.append(f"| {row['connections']:,} | {row['per_second']} | {row['p50']:.2f} | {row['p95']:.2f} | {row['p99']:.2f} | "
                     f"{row['errors']} | {row['memory_mib']:.0f} ({row['memory_before_mib']:.0f}) | {each:.1f} |")
    return "\n".join(lines)


def scale(found):
    totals = list(next(iter(found.values())))
    lines = ["| what one person asks for | " + " | ".join(f"{total:,} tasks" for total in totals) + " | cost, last to first |",
             "|---|" + "---:|" * (len(totals) + 1)]
    for kind, by_total in found.items():
        cells = [f"{figures['per_second']:,.0f}/s, p95 {figures['p95']:.1f} ms" for figures in by_total.values()]
        growth = by_total[totals[0]]["per_second"] / max(0.1, by_total[totals[-1]]["per_second"])
        lines.append(f"| {kind} | " + " | ".join(cells) + f" | {growth:.2f} |")
    return "\n".join(lines)


def plot(found):
    """Requests per second against the size of the table, both on logarithmic axes, as SVG."""
    totals = list(next(iter(found.values())))
    top = max(figures["per_second"] for by_total in found.values() for figures in by_total.values())
    decades = math.ceil(math.log10(top))
    span = max(1e-9, math.log10(totals[-1] / totals[0]))

    def x(total):
        return LEFT + (WIDTH - LEFT - 230) * math.log10(total / totals[0]) / span

    def y(rate):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 20) * max(0.0, math.log10(max(1, rate))) / decades

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for decade in range(decades + 1):
        parts.append(f'<line x1="{LEFT}" x2="{x(totals[-1]):.0f}" y1="{y(10**decade):.0f}" y2="{y(10**decade):.0f}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 8}" y="{y(10**decade) + 4:.0f}" text-anchor="end">{10**decade:,}</text>')
    for total in totals:
        parts.append(f'<text x="{x(total):.0f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{total:,}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">tasks in the table; vertical: requests per second</text>')
    for colour, (number, (kind, by_total)) in zip(COLOURS, enumerate(found.items())):
        line = " ".join(f"{x(total):.1f},{y(figures['per_second']):.1f}" for total, figures in by_total.items())
        at = 30 + 20 * number
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
                     f'<text x="{WIDTH - 215}" y="{at}" fill="{colour}">{kind}</text>')
    return "\n".join([*parts, "</svg>"])
