"""``python benchmarks/rivals/torch_training.py``: the learning half of a training iteration, in PyTorch.

The same batch of episodes, of the retraining stage, is learnt from by

- ours: compiled gradients and Adam, as training does it;
- a PyTorch network with a forward pass for every step of the batch, the usual way;
- a PyTorch network on the visited (episode, tile) rows only.

All do returns-to-go, baseline, advantage, both gradients and both Adam steps, on one thread, in turn; medians
over the rounds are printed. The gradients are checked to be the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

try:
    import torch
except ImportError:
    sys.exit("this benchmark needs PyTorch: pip install -e '.[rivals]'")

sys.path.insert(0, str(Path(__file__).parent.parent))

from training_split import ENTROPY, Batch, batch_of, candidate_at, gradients_of, setup_of

from cmarlsim.learning.adam import ascend, fresh_moments
from cmarlsim.learning.mlp import MLP
from cmarlsim.training.candidate import Candidate
from cmarlsim.training.setup import TrainingSetup

ROUNDS, TOLERANCE = 100, 1e-4


class Ours:
    """What training does with a batch."""

    def __init__(self, batch: Batch) -> None:
        self.policy, self.baseline = (_copy(mlp) for mlp in (batch.policy, batch.baseline))
        self.moments = [fresh_moments(self.policy), fresh_moments(self.baseline)]
        self.gradients, self.recipe = gradients_of(batch), batch.setup.recipe
        self.slopes: list[MLP] = []

    def learn(self, batch: Batch) -> None:
        """One step uphill."""
        recipe, seen, experience = self.recipe, batch.seen, batch.experience
        self.slopes = [
            *self.gradients.of_batch(
                self.policy, self.baseline, seen, seen, experience, recipe.discount, ENTROPY
            )
        ]
        for i, (mlp, rate) in enumerate(
            [(self.policy, recipe.retrain_rate), (self.baseline, recipe.baseline_rate)]
        ):
            self.moments[i] = ascend(mlp, self.slopes[i], self.moments[i], rate)


class Torch:
    """The same in PyTorch, with automatic gradients.

    Parameters
    ----------
    batch
        Whose networks to begin with.
    gathered
        Whether the networks see each visited (episode, tile) pair once, or every step.
    """

    def __init__(self, batch: Batch, gathered: bool) -> None:
        recipe, T0 = batch.setup.recipe, batch.setup.scenario.dual.T0
        self.gathered = gathered
        self.policy, self.baseline = _network(batch.policy), _network(batch.baseline)
        self.adam = [
            torch.optim.Adam(network.parameters(), lr=rate, maximize=True)
            for network, rate in [(self.policy, recipe.retrain_rate), (self.baseline, recipe.baseline_rate)]
        ]
        self.tile_input = torch.tensor(batch.setup.encoding.tile_input(), dtype=torch.float32)
        lag = np.arange(T0)[None, :] - np.arange(T0)[:, None]  # of step j after step t
        weight = np.where(lag >= 0, recipe.discount ** np.maximum(lag, 0), 0.0)
        self.weight = torch.tensor((weight / weight.sum(axis=1, keepdims=True)).T)

    def learn(self, batch: Batch) -> None:
        """One step uphill."""
        experience, (B, T0) = batch.experience, batch.experience.reward.shape
        q = (torch.from_numpy(experience.reward) @ self.weight).float().ravel()
        action = torch.from_numpy(experience.action).ravel()
        tile = torch.from_numpy(experience.tile).ravel()
        episode = torch.arange(B).repeat_interleave(T0)
        multipliers = torch.from_numpy(batch.seen).float()
        gain, loss = (self._on_rows if self.gathered else self._on_steps)(
            multipliers, episode, tile, action, q
        )
        for adam, objective in zip(self.adam, (gain, -loss), strict=True):
            adam.zero_grad()
            objective.backward()
            adam.step()

    def _on_steps(self, lam: Any, episode: Any, tile: Any, action: Any, q: Any) -> tuple[Any, Any]:
        """The two objectives, with a forward pass for every step."""
        x = torch.cat([lam[episode], self.tile_input[tile]], dim=1)
        residual = q - self.baseline(x)[:, 0]
        advantage = residual.detach() / residual.detach().std(correction=0)
        log = torch.log_softmax(self.policy(x), dim=1)
        entropy = -(log.exp() * log).sum(dim=1)
        chosen = log.gather(1, action[:, None])[:, 0]
        return (advantage * chosen + ENTROPY * entropy).mean(), residual.square().mean()

    def _on_rows(self, lam: Any, episode: Any, tile: Any, action: Any, q: Any) -> tuple[Any, Any]:
        """The two objectives, with a forward pass for every visited row."""
        L, M, steps = len(self.tile_input), lam.shape[1], len(q)
        visited = torch.zeros(len(lam) * L, dtype=torch.bool)
        pair = episode * L + tile
        visited[pair] = True
        pairs = visited.nonzero()[:, 0]
        row = (visited.cumsum(0) - 1)[pair]
        cell, size = row * M + action, len(pairs) * M
        count = torch.bincount(cell, minlength=size).view(-1, M).float()
        total = torch.bincount(cell, weights=q, minlength=size).view(-1, M)
        x = torch.cat([lam[pairs // L], self.tile_input[pairs % L]], dim=1)
        value = self.baseline(x)
        fixed = value.detach()
        spread = (q - fixed[row, 0]).std(correction=0)
        log = torch.log_softmax(self.policy(x), dim=1)
        entropy = -(log.exp() * log).sum(dim=1)
        gain = ((total - count * fixed) / spread * log).sum() + ENTROPY * (count.sum(dim=1) * entropy).sum()
        # the squared error but for the sum of q squared, which has no gradient
        loss = (count * value.square() - 2 * total * value).sum()
        return gain / steps, loss / steps

    @property
    def slopes(self) -> list[MLP]:
        """Gradients of the last batch."""
        return [
            MLP(*(_numpy(p.grad) for p in network.parameters())) for network in (self.policy, self.baseline)
        ]


def _network(mlp: MLP) -> Any:
    inputs, hidden, outputs = *mlp.W1.shape, len(mlp.b2)
    network = torch.nn.Sequential(
        torch.nn.Linear(inputs, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, outputs)
    )
    with torch.no_grad():
        for parameter, array in zip(network.parameters(), mlp, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(array.T)))
    return network


def _numpy(gradient: Any) -> np.ndarray:
    array: np.ndarray = gradient.numpy()
    return array.T


def _copy(mlp: MLP) -> MLP:
    return MLP(*(array.copy() for array in mlp))


def difference(found: list[MLP], wanted: list[MLP]) -> float:
    """Largest difference of two pairs of gradients, each relative to its largest entry."""
    return max(
        max(float(abs(a - b).max()) for a, b in zip(one, other, strict=True))
        / max(float(abs(b).max()) for b in other)
        for one, other in zip(found, wanted, strict=True)
    )


def seconds(work: Callable[[], None]) -> float:
    """How long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Check the gradients, then print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the medians, in seconds, to FILE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    candidate, setup = candidate_at(1), setup_of(1)
    batch = batch_of(candidate, setup)
    learners = {
        "ours": Ours(batch),
        "torch, every step": Torch(batch, gathered=False),
        "torch, visited rows": Torch(batch, gathered=True),
    }
    for learner in learners.values():
        learner.learn(batch)
    apart = {name: difference(x.slopes, learners["ours"].slopes) for name, x in learners.items()}
    assert max(apart.values()) < TOLERANCE, f"not the same gradients: {apart}"
    rounds = [
        {name: seconds(lambda x=x: x.learn(batch)) for name, x in learners.items()}
        | {"episodes": seconds(lambda: _again(candidate, setup))}
        for _ in range(options.rounds)
    ]
    medians = {name: statistics.median(times[name] for times in rounds) for name in rounds[0]}
    print(f"torch {torch.__version__}, 1 thread; {options.rounds} rounds in turn; medians")
    print(f"{'learning from a batch':<24} {'ms':>8} {'to ours':>8} {'gradient apart':>15}")
    for name in learners:
        ratio = statistics.median(times[name] / times["ours"] for times in rounds)
        print(f"{name:<24} {1e3 * medians[name]:>8.3f} {ratio:>8.1f} {apart[name]:>15.1e}")
    print(f"{'(the episodes, by ours)':<24} {1e3 * medians['episodes']:>8.3f}")
    if options.json:
        options.json.write_text(json.dumps(medians | {"gradients apart": apart}, indent=2) + "\n", "utf-8")


def _again(candidate: Candidate, setup: TrainingSetup) -> None:
    batch_of(candidate, setup)


if __name__ == "__main__":
    main()
