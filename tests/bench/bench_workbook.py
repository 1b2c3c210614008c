"""10,000 executions as a workbook: ours, beside pandas' `DataFrame.to_excel` (openpyxl) with the same tables.

Ours writes all eleven sheets with styles, formulas and charts; the peer writes the bare tables, which is less. Each
runs in a process of its own, so that the peak of memory is its own.

    python tests/bench/bench_workbook.py [EXECUTIONS]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def sample_of(executions: int) -> object:
    """A year of `executions` on 40 sites."""
    from tests.unit.workbook import sample

    start = datetime(2026, 1, 1, 5, 0, tzinfo=sample.WIB)
    made = [
        sample.execution(1 + n % 3, f"laman-{n % 40:02}", start + timedelta(hours=n % 8_000), 3.5)
        for n in range(executions)
    ]
    return sample.whole(made)


def ours(compliance: object, path: Path) -> None:
    """The workbook as `laman report` writes it."""
    from reporting.workbook import write_workbook
    from tests.unit.workbook import sample

    write_workbook(compliance, sample.HEAD, path, "id", sample.ISSUED)  # type: ignore[arg-type]


def peer(compliance: object, path: Path) -> None:
    """The same rows through pandas and openpyxl: no style, no formula, no chart."""
    import pandas as pd

    from reporting.workbook import rows
    from reporting.workbook.deviation_rows import deviation_rows
    from reporting.workbook.words import Words

    words = Words("id")
    tables = {
        "Pelaksanaan": rows.execution_rows(compliance, words),  # type: ignore[arg-type]
        "Konten": rows.section_rows(compliance, words),  # type: ignore[arg-type]
        "Temuan": rows.finding_rows(compliance, 1, words),  # type: ignore[arg-type]
        "Backup": rows.backup_rows(compliance, words),  # type: ignore[arg-type]
        "Pengunjung": rows.day_rows(compliance),  # type: ignore[arg-type]
        "Mencurigakan": rows.tally_rows(compliance, "suspicious"),  # type: ignore[arg-type]
        "Halaman": rows.tally_rows(compliance, "top_paths", rows.TOP_PATHS),  # type: ignore[arg-type]
        "Penyimpangan": deviation_rows(compliance, words),  # type: ignore[arg-type]
        "Bukti": rows.evidence_rows(compliance, words),  # type: ignore[arg-type]
    }
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        for name, records in tables.items():
            plain = [
                {
                    key: value.replace(tzinfo=None) if isinstance(value, datetime) else value
                    for key, value in row.items()
                }
                for row in records
            ]
            pd.DataFrame(plain).to_excel(writer, sheet_name=name, index=False)


def measure(which: str, executions: int) -> None:
    """Run one of the two; print seconds, bytes, and the growth of the peak of memory as JSON."""
    compliance = sample_of(executions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.xlsx"
        began = time.perf_counter()
        (ours if which == "ours" else peer)(compliance, path)
        seconds = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"seconds": seconds, "bytes": path.stat().st_size, "megabytes": (peak - before) / 1024}))


def main() -> None:
    """Three runs of each, in turn; the fastest counts."""
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    found: dict[str, list[dict[str, float]]] = {"ours": [], "peer": []}
    for _ in range(3):
        for which, results in found.items():
            command = [sys.executable, __file__, "--one", which, str(executions)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
            results.append(json.loads(done.stdout))
    best = {which: min(results, key=lambda r: r["seconds"]) for which, results in found.items()}
    print(f"{executions:,} executions as a workbook, best of 3")
    for which, name in (
        ("ours", "laman (XlsxWriter, 11 sheets, styled)"),
        ("peer", "pandas to_excel (openpyxl, bare)"),
    ):
        r = best[which]
        print(f"  {name:<38} {r['seconds']:6.2f} s  {r['megabytes']:7.1f} MB  {r['bytes'] / 1e6:5.2f} MB on disk")
    time_ratio = best["ours"]["seconds"] / best["peer"]["seconds"]
    memory_ratio = best["ours"]["megabytes"] / best["peer"]["megabytes"]
    print(f"  ours / peer: time {time_ratio:.2f}, memory {memory_ratio:.2f}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if len(sys.argv) > 1 and sys.argv[1] == "--one":
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        main()
