"""From a table of ratings to the chapter's Keras network, and what it takes to make it learn.

python examples/tutorials/chapter.py
"""

# %% [markdown]
# # 1 From the table to the network
#
# You have read a chapter that builds matrix factorisation as a Keras network and trains it on
# MovieLens 100K. This tutorial goes the same way with you, looks into the trained network, finds
# that most of it has learned nothing, and then gives the same graph numbers that recommend.
#
# It takes about half a minute:
#
# ```sh
# python examples/tutorials/chapter.py
# ```
#
# [The chapter, line by line](../chapter.md) has each step of the chapter beside ours, and its
# figures in full. Here we do it by hand.

# %%
import numpy as np
from matplotlib.figure import Figure

import penchant as pc
from penchant.networks.backend import load_keras

keras = load_keras()  # Keras on JAX; the network below is plain Keras

# %% [markdown]
# ## The table
#
# The first call of `pc.load("ml-100k")` fetches the set, checks its sum and keeps it. A rating is a
# line of four columns, as in the chapter's `u.data`.

# %%
ratings = pc.load("ml-100k", quiet=True)
print(ratings)
print("\n user  item  rating  timestamp")
for user, item, rating, time in zip(
    ratings.users[:3], ratings.items, ratings.values, ratings.timestamps, strict=False
):
    print(f"{user:5} {item:5} {rating:7.0f}  {time}")

# %% [markdown]
# An embedding is a table, and what looks into it is a row number. The chapter uses the ids
# themselves. Ids in the wild are rarely so tidy, so Penchant numbers them: rows from 1 on, in the
# order in which ids appear. **Row 0 is the stranger**, anyone the model has never met. So there is
# one row more than there are users, and the sizes are those of the chapter.

# %%
first = ratings.users[0]
print(f"user {first} has row {ratings.user_ids.row(first)}")
print(f"rows for users: {ratings.user_ids.size}, for items: {ratings.item_ids.size}")

# %% [markdown]
# A fifth of the ratings is put aside for the test. The rows are the very ones that scikit-learn's
# `train_test_split(..., test_size=0.2, random_state=2021)` picks, so that figures can be compared.
#
# Before any network: what does one get for nothing? Say the mean of the training ratings, B, for
# every pair. The root of the mean squared error (RMSE) of that is the bar.

# %%
train, test = pc.split(ratings, test=0.2, seed=2021)
mean = train.mean
bar = float(np.sqrt(np.mean((test.values - mean) ** 2)))
print(f"{len(train):,} to train, {len(test):,} to test")
print(f"B = {mean:.4f}, and its RMSE on the test ratings is {bar:.4f}")

# %% [markdown]
# ## The network
#
# The rating of user u for item i is modelled as
#
#     rating(u, i) = B + b_u + b_i + p_u · q_i
#
# with a bias for each user (how mild?) and each item (how well liked?), and K = 200 latent factors
# for each, whose dot product says how well the two fit. In Keras:

# %%
K = 200
user = keras.Input((1,), dtype="int32", name="user")
item = keras.Input((1,), dtype="int32", name="item")


def table(rows, size, width, name):
    """Return the looked-up rows of an embedding with the chapter's l2()."""
    penalty = keras.regularizers.L2(0.01)
    layer = keras.layers.Embedding(size, width, embeddings_regularizer=penalty, name=name)
    return layer(rows)


n_users, n_items = ratings.user_ids.size, ratings.item_ids.size
P_u = table(user, n_users, K, "user_factors")
Q_i = table(item, n_items, K, "item_factors")
b_u = table(user, n_users, 1, "user_bias")
b_i = table(item, n_items, 1, "item_bias")
score = keras.layers.Add(name="add")([keras.layers.Dot(axes=2, name="dot")([P_u, Q_i]), b_u, b_i])
network = keras.Model([user, item], keras.layers.Flatten(name="flatten")(score))
print(f"{network.count_params():,} parameters")

# %% [markdown]
# `pc.MatrixFactorization` builds this graph and adds one layer without parameters, which adds B to
# the answer. So nobody can forget to add it. `pc.Keras.chapter()` holds the chapter's settings: its
# loss, plain SGD, batches of 256, 60 epochs, `l2()` on whole tables. `watch=test` measures the test
# rows after each epoch for the curve; they decide nothing. Its `network` is a Keras model like any
# other, with a `summary()`; here are its layers and their parameters.

# %%
chapter = pc.MatrixFactorization(factors=K, solver=pc.Keras.chapter())
chapter.fit(train, watch=test, progress=False)
for layer in chapter.network.layers:
    print(f"{layer.name:14} {layer.count_params():9,}")
print(f"{'together':14} {chapter.network.count_params():9,}\n")
print(chapter.evaluate(test))
_ = chapter.history.plot("tutorial-chapter-curves.png")

# %% [markdown]
# ![Two curves that fall from 1.13 and 1.12 to 1.10 and 1.09 in 60
# epochs](../images/tutorial-chapter-curves.png)
#
# The curves fall, calmly, and end a little under the bar of 1.1191. The figure in the chapter's
# printed note is another story; [what the printed note
# measured](../chapter.md#what-the-printed-note-measured) tells it.
#
# ## Looking inside
#
# All but 2,627 of the 528,027 numbers are factors. Which of them did the training move?

# %%
factors = chapter.trained.user_factors  # (944, 200)
print(f"largest user factor: {np.abs(factors).max():.4f}")
print(f"largest dot product: {np.abs(factors @ chapter.trained.item_factors.T).max():.6f} stars")
print(f"spread of the user biases: {chapter.trained.user_bias[1:].std():.4f} stars")

# %% [markdown]
# None. The factors began at random within ±0.05, and they have shrunk. The dot product, which is
# what tells people apart, changes no prediction in any digit that is shown. What the network knows
# is a little of the biases.
#
# Where did the factors go? `l2()` as `embeddings_regularizer` charges 0.01 × w² for *every* weight
# of the table in *every* batch, looked up or not. With a learning rate of 0.01, a step of SGD
# multiplies each weight by 1 − 2 × 0.01 × 0.01, and there are 60 epochs of 313 batches:

# %%
left = (1 - 2 * 0.01 * 0.01) ** (60 * 313)
print(f"what is left of a weight: {left:.4f}; of 0.05: {0.05 * left:.4f}")

# %% [markdown]
# That is what we found. A rating, on the other hand, can push its row by 1/256 of its error only,
# times the other side's factors, which are next to nothing as well. So the penalty wins.
#
# For a recommender this is worse than the RMSE tells. Where no factor says anything, everyone gets
# the same list:


# %%
def lists(model):
    """Return the ten best items for each of 200 users, rated or not."""
    users = ratings.user_ids.ids(range(1, 201))
    return [
        tuple(best.item for best in model.recommend(user, n=10, exclude_rated=False))
        for user in users
    ]


print(f"different lists for 200 users: {len(set(lists(chapter)))}")

# %% [markdown]
# ## Two changes
#
# The network is fine. `pc.Keras()` keeps it and changes the training: l2 falls on the *rows that
# are looked up* (a rating pays for its own user and its own item), and Adamax scales each weight's
# step by its recent gradients, so that rows met once in a while still move. [Both are
# needed](../chapter.md#what-repairs-it); either alone fails.

# %%
repaired = pc.MatrixFactorization(factors=K, solver=pc.Keras()).fit(
    train, watch=test, progress=False
)
print(repaired.evaluate(test))
print(f"largest user factor: {np.abs(repaired.trained.user_factors).max():.2f}")
print(f"different lists for 200 users: {len(set(lists(repaired)))}")
_ = repaired.history.plot("tutorial-repaired-curves.png")

# %% [markdown]
# ![Train RMSE falls from 1.00 to 0.70, test RMSE from 1.01 to
# 0.89](../images/tutorial-repaired-curves.png)
#
# The distance between the curves is what the network has learned by heart. It is held in check
# here, and it is where the next step comes from. (Figures trained by Keras differ by about a
# thousandth from one machine to another: threads add up in another order there.)
#
# ## The same graph, another solver
#
# Gradient descent finds *one* network that fits. With 80,000 ratings for half a million numbers,
# many fit equally well and differ on the ratings one hasn't seen. The default solver, a Gibbs
# sampler, draws many of them, each as often as the ratings make it likely, learns from the ratings
# how strongly to hold back, and puts their mean into one network of the same size. It reads the
# side columns too: ages, occupations, genres.

# %%
sampled = pc.MatrixFactorization(factors=K).fit(train, watch=test, progress=False)
print(sampled.evaluate(test))
print(f"different lists for 200 users: {len(set(lists(sampled)))}")
print(f"parameters: {sampled.network.count_params():,}")

# %% [markdown]
# It is a Keras network like the one that we built. For any pair, what the graph says is the formula
# from the beginning:

# %%
u, i = ratings.user_ids.row(196), ratings.item_ids.row(242)
trained = sampled.trained
by_hand = (
    trained.mean
    + trained.user_bias[u]
    + trained.item_bias[i]
    + trained.user_factors[u] @ trained.item_factors[i]
)
by_graph = sampled.network([np.array([[u]]), np.array([[i]])])
print(f"by hand {by_hand:.4f}, by the graph {float(by_graph[0, 0]):.4f}")

# %% [markdown]
# ## Side by side

# %%
reached = {
    "the mean for everybody": bar,
    "the chapter's settings": chapter.evaluate(test).rmse,
    "pc.Keras()": repaired.evaluate(test).rmse,
    "the Gibbs sampler": sampled.evaluate(test).rmse,
}
figure = Figure(figsize=(7, 2.4), dpi=200, layout="constrained")
axes = figure.subplots()
for name, rmse in reached.items():
    axes.plot(rmse, name, "o", color="#0072b2", markersize=9)
    axes.annotate(f"{rmse:.3f}", (rmse, name), (10, 0), textcoords="offset points", va="center")
axes.set(xlim=(0.8, 1.2), xlabel="test RMSE, lower is better")
axes.margins(y=0.2)
axes.grid(axis="y", color="#e3e3e3")
axes.invert_yaxis()
axes.spines[["top", "right", "left"]].set_visible(False)
figure.savefig("tutorial-reached.png")
print(*(f"{name:24} {rmse:.4f}" for name, rmse in reached.items()), sep="\n")

# %% [markdown]
# ![The mean 1.12, the chapter 1.09, pc.Keras 0.89, the sampler
# 0.86](../images/tutorial-reached.png)
#
# How much is that? Ratings are noisy, since people answer differently on another day, so no model
# comes near zero. And much of the way is made by biases alone: solved exactly, they reach 0.929
# ([comparing models](../compare.md)). What lies below is what a model knows of *taste*. There
# `pc.Keras()` gains 0.04 and the sampler 0.07; the chapter's settings stay far above the biases.
#
# One thing to take home for your own work: **look inside**. A falling curve and half a million
# parameters don't say that anything was learned.
#
# - [2 Your own data](2-own-data.md): the same with a file that isn't tidy.
# - [3 A newcomer](3-newcomer.md): what can be done with a model once it is trained.
# - [What depth buys](../depth.md): the chapter's hidden layers, measured.
