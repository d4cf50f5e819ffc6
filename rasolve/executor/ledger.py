"""What one party holds in memory, tensor by tensor, and the most that it ever held."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks


class _Saved:
    """What autograd keeps in the place of a saved tensor; it dies when autograd lets go of it."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Ledger:
    """Bytes of a party's tensors, each storage once, and their peak (ours).

    What stands (weights, gradients, optimizer state) is asked for afresh whenever it may have changed; what passes
    (saved activations, what has crossed a link) counts from when it is seen until Python or autograd releases it. What
    an operator takes and gives back within one call is not seen.
    """

    def __init__(self, standing: Callable[[], Iterable[Tensor]]) -> None:
        self._ask = standing
        self._standing: dict[int, int] = {}
        self._passing: dict[int, int] = {}
        self._holders: Counter[int] = Counter()
        self.peak = 0
        """Most bytes held at any moment so far."""

    @property
    def passing_bytes(self) -> int:
        """Bytes that pass and do not stand."""
        return sum(size for storage, size in self._passing.items() if storage not in self._standing)

    def look(self) -> None:
        """Ask again for what stands, and note the bytes held now."""
        storages = [tensor.untyped_storage() for tensor in self._ask()]
        self._standing = {storage._cdata: storage.nbytes() for storage in storages}
        self._note()

    def hold(self, tensor: Tensor) -> None:
        """Count a tensor's storage for as long as the tensor lives."""
        self._count(tensor, tensor)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count what autograd saves inside, and the gradients of leaves as they come."""
        self.look()
        with ExitStack() as stack:
            stack.enter_context(saved_tensors_hooks(self._save, _saved))
            for leaf in self._ask():
                if leaf.requires_grad:
                    hook = leaf.register_post_accumulate_grad_hook(self._arrived)  # type: ignore[no-untyped-call]
                    stack.callback(hook.remove)
            yield
        self.look()

    def _arrived(self, leaf: Tensor) -> None:
        """Hear that a leaf's gradient has come."""
        self.look()

    def _save(self, tensor: Tensor) -> _Saved:
        saved = _Saved(tensor.detach())
        self._count(tensor, saved)
        return saved

    def _count(self, tensor: Tensor, owner: object) -> None:
        """Count the tensor's storage until its owner dies."""
        storage = tensor.untyped_storage()
        self._passing[storage._cdata] = storage.nbytes()
        self._holders[storage._cdata] += 1
        weakref.finalize(owner, self._release, storage._cdata)
        self._note()

    def _release(self, storage: int) -> None:
        self._holders[storage] -= 1
        if not self._holders[storage]:
            del self._holders[storage], self._passing[storage]

    def _note(self) -> None:
        self.peak = max(self.peak, sum(self._standing.values()) + self.passing_bytes)


def _saved(saved: _Saved) -> Tensor:
    return saved.tensor
