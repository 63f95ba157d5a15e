"""Train the model of japanese_vowels.py with PyTorch's autograd and optimiser, and keep it.

    python examples/train_japanese_vowels.py

Needs maskgraph[torch]. The plan is a function of weights like any other: PyTorch differentiates
it. Takes a minute or two; writes examples/data/japanese_vowels_weights.npz.
"""

import numpy as np
import torch
import vowels_data
from japanese_vowels import WEIGHTS, accuracy, build, pad

EPOCHS = 60
BATCH = 30
STEPS = 29


def main() -> None:
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    model = build()
    for i, weight in enumerate(model.weights):
        weight.reseed((0, i))  # from the start, whatever was trained before
    series, labels = vowels_data.load("train")
    padded, mask = pad(series, STEPS)
    plan = model.plan(padded[:BATCH], mask=mask.array[:BATCH], backend="torch", device="cpu")
    weights = [torch.tensor(w.numpy(), requires_grad=True) for w in plan.weights]
    optimiser = torch.optim.Adam(weights, lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)
    for epoch in range(EPOCHS):
        total = 0.0
        for rows in np.split(generator.permutation(len(series)), len(series) // BATCH):
            # a little noise keeps 270 recordings from being learnt by heart
            noise = generator.normal(0, 0.05, padded[rows].shape).astype("float32")
            ((probabilities, _),) = plan.run([(padded[rows] + noise, mask.array[rows])], weights)
            target = torch.from_numpy(labels[rows]).long()
            loss = torch.nn.functional.nll_loss(torch.log(probabilities + 1e-9), target)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            total += loss.item() * len(rows)
        schedule.step()
        print(f"epoch {epoch + 1:3} loss {total / len(series):.4f}")
    for weight, value in zip(plan.weights, weights, strict=True):
        weight.assign(value.detach().numpy())
    np.savez(WEIGHTS, **{f"weight_{i}": w for i, w in enumerate(model.get_weights())})
    test, test_labels = vowels_data.load("test")
    print(f"accuracy on the test recordings {accuracy(model.predict(test), test_labels):.4f}")


if __name__ == "__main__":
    main()
