"""A trained model meets somebody new: questions, answers, lists, reasons, groups, forgetting.

python examples/tutorials/newcomer.py
"""

# %% [markdown]
# # 3 A newcomer
#
# A model is trained, and its figure is fine. Then somebody comes whom it has never seen. This
# tutorial follows one newcomer from the first question to the receipt for having been forgotten.
# Nothing is trained a second time. It takes a few seconds:
#
# ```sh
# python examples/tutorials/newcomer.py
# ```
#
# First, a model. A tenth of the ratings is kept out of its training: they calibrate how sure it
# says it is. Nothing is tested here, so all other ratings train.

# %%
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import penchant as pc

ratings = pc.load("ml-100k", quiet=True)
model = pc.MatrixFactorization().fit(ratings, validation=0.1, progress=False)
print(model.calibration)

# %% [markdown]
# ## A stranger
#
# Mina gets the id 5001. The model doesn't know it, and that is no error: it answers with what holds
# for everybody. `by="low"` sorts by the lower end of the interval, by what is *surely* good.

# %%
MINA = 5001
print(model.recommend(MINA, n=5, by="low", interval=0.9))

# %% [markdown]
# Classics that most people like, and intervals nearly two stars wide. What could we ask her, to
# know her best with few questions?
#
# ## The interview
#
# A question is worth what its answer would tell: how much the doubt about *all* of her ratings
# would fall, times the chance that she knows the film. After each answer the next question is
# chosen anew. An interview is a value: it changes no model, and it can be kept, resumed or thrown
# away. Mina likes science fiction and adventure, and romance and drama leave her cold, so in this
# program a function answers for her; she doesn't know films from before 1975.

# %%
row = {item: ratings.item_ids.row(item) for item in ratings.item_ids.ids(range(1, 1683))}
genres = ratings.item_table["genres"].to_pylist()
years = ratings.item_table["year"].to_pylist()


def mina(film):
    """Return her stars for a film, or None where she doesn't know it."""
    if (years[row[film]] or 0) < 1975:
        return None
    kinds = set(genres[row[film]] or ())
    liked = len(kinds & {"Sci-Fi", "Adventure", "Action", "Fantasy"})
    return float(np.clip(3 + liked - len(kinds & {"Romance", "Drama"}), 1, 5))


talk = model.interview(n=1)
while len(talk.answers) < 6:
    question = talk[0]
    stars = mina(question.item)
    said = "doesn't know it" if stars is None else "★" * int(stars)
    print(f"{question.title:40} {said}")
    talk = talk.skip(question.item) if stars is None else talk.rate(question.item, stars)

# %% [markdown]
# The films differ from each other, and most people know them: asking about two alike tells little
# more than asking about one. Six answers in, and from the interview alone:

# %%
print(talk.recommend(5))

# %% [markdown]
# `because` names the answer that speaks most for the film, `pull` says by how many stars.
# [Questions to a newcomer](../interview.md) has the formula, and what questions are worth, measured
# on people who were withheld.
#
# ## Folding in
#
# Mina stays. `add_ratings` makes her a user like any other, at once: her row of the table is
# computed from her six ratings under the posterior, which is the very function that made everybody
# else's row in the training.

# %%
print(model.add_ratings([MINA] * len(talk.answers), [*talk.answers], [*talk.answers.values()]))

best = model.recommend(MINA, n=5, by="low", interval=0.9)
print(best)

# %% [markdown]
# Add in another order, add and take back: the bits are the same. What the items' rows could learn
# from her waits for `model.refresh(2)`; with six ratings that is next to nothing. [A model that
# lives](../living.md) tells what is exact here and what isn't.
#
# How much do six answers change? Each point is a film, its predicted rating for a stranger to the
# right, and for Mina upwards:

# %%
films = ratings.item_ids.ids(np.flatnonzero(model.knowledge.item_counts >= 20))
before = model.predict([MINA + 1] * len(films), films)
after = model.predict([MINA] * len(films), films)
kinds = [set(genres[row[film]] or ()) for film in films]
travel = np.array([bool(one & {"Sci-Fi", "Adventure"}) for one in kinds])
drama = np.array(["Drama" in one for one in kinds]) & ~travel

figure = Figure(figsize=(5.2, 4.6), dpi=200, layout="constrained")
axes = figure.subplots()
axes.axline((3, 3), slope=1, color="#b3b3b3", linewidth=1)
axes.scatter(before, after, 5, "#b3b3b3", label="others")
axes.scatter(before[drama], after[drama], 14, "#d55e00", label="drama")
axes.scatter(before[travel], after[travel], 14, "#0072b2", label="science fiction, adventure")
axes.set(xlabel="predicted for a stranger", ylabel="predicted for Mina", aspect="equal")
axes.legend(frameon=False)
figure.savefig("tutorial-newcomer.png")
for name, chosen in (("science fiction, adventure", travel), ("drama", drama)):
    print(f"{name:26} {(after - before)[chosen].mean():+.2f} stars on average")

# %% [markdown]
# ![Most films of science fiction and adventure lie above the line, most dramas below
# it](../images/tutorial-newcomer.png)
#
# ## Why this one?
#
# Each prediction is a sum, so it can be taken apart, down to each of her ratings.

# %%
explanation = model.explain(MINA, best[0].item)
print(explanation)

# %% [markdown]
# What would it be, had she answered otherwise? `would_be` computes her row again from the changed
# ratings; it is exact and no approximation.

# %%
liked = explanation.reasons[0].item
for stars in (1.0, 3.0, 5.0):
    print(f"had she given that film {stars:.0f}: {explanation.would_be(liked, stars):.2f}")

# %% [markdown]
# ## An evening together
#
# Mina wants to see a film with user 196. A list for both is not the list of either. `how=` says
# what counts: the "average", the worse off of the two ("least misery"), or the better off. `pays`
# names who gives in.

# %%
print(model.recommend_group([MINA, 196], n=4))
print()
print(model.recommend_group([MINA, 196], n=4, how="least misery"))

# %% [markdown]
# ## Forgetting
#
# Mina leaves and wants to be forgotten. `forget` takes out her ratings, her row and her id. The
# receipt says what was done, shows that the numbers are others than before, and names honestly what
# remains.

# %%
receipt = model.forget(MINA)
print(receipt)

# %% [markdown]
# No item was solved again, for none had learned from her: nothing was refreshed while she was
# here. User 196 was there in the training, and leaves more behind. Each item that 196 rated is
# solved without that rating, and then everyone who rated one of these items:

# %%
print(str(model.forget(196)).split("\n\n")[0])

# %% [markdown]
# Mina is a stranger again. She gets the list from the beginning, and a bundle that is saved now
# doesn't know her.

# %%
again = model.recommend(MINA, n=5, by="low", interval=0.9)
print(*(one.title for one in again), sep="\n")
with tempfile.TemporaryDirectory() as folder:
    model.save(Path(folder) / "films.penchant")
    users = pc.open(Path(folder) / "films.penchant").knowledge.user_ids
print("known to the saved model:", bool(users.rows([MINA])[0]))

# %% [markdown]
# Bundles that were saved while she was here still hold her ratings: overwrite them.
#
# ## For people who don't write Python
#
# On the command line the interview is `penchant interview films.penchant`, and an explanation is
# `penchant explain films.penchant 196 50`. `penchant serve films.penchant` has [a
# page](../page.md) for the browser, with questions, the list that follows each answer, reasons,
# and forgetting; programs ask [the same server](../serve.md) by HTTP.
#
# [The knobs of a list](../lists.md) and [reasons and intervals](../intervals.md) go deeper.
