"""Training from blocks of users: the bits don't depend on blocks, workers or engine.

One sweep reads each block once. A task gets some blocks, the items' rows, and the numbers that all
share; it solves or draws its users' rows, and returns sums:

- moments of its users' rows, of which the driver draws (or solves) the users' prior;
- for the items, partial normal equations, as `penchant.kernels.partial` sums them. An item with
  many ratings sends its sums, ``k (k + 1) / 2 + 2 k + 2`` numbers of 8 bytes, one with few the rows
  of its raters: whichever is less. So an item's work is shared by all who hold ratings of it, and
  its sums are as large from many blocks as from one.

Tasks that own a range of items each then add up and solve (or draw) the items' rows, which the
driver collects, (N, K), for the next sweep.

Why nothing changes a bit. A user's row is a pure function of that user's ratings, of the shared
numbers, and of a noise keyed by (seed, sweep, row, coordinate). All sums over users are taken over
*segments* of rows, fixed by the number of users alone; blocks are whole segments. Each segment's
part is rounded to a grid on which float64 adds exactly, so the order and the grouping of what
follows mean nothing. All else is the driver's. The users' rows are never kept: the next sweep
doesn't need them, so a lost task has nothing to restore but its blocks, and a checkpoint is the
items' rows and the shared numbers.

ALS makes the steps of `penchant.solvers.als.solver`, and differs from it by rounding alone. Where
its λ goes by the number of ratings, each user counts in the moments as often as they have ratings,
and the model is the last sweep's rows (`penchant.blocks.train.counted`), without a posterior. Gibbs
takes its steps in another order: users, users' prior, the noise and the items' weights from the
residuals as they stand then, items, items' prior. That leaves the same distribution, and one pass
over the ratings instead of three. Users keep the noise weights that follow from their ratings
(`penchant.features.Noise`) instead of drawing them, as they do in the trained model.
"""
