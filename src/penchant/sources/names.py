"""What the columns of ratings are called out there."""

from __future__ import annotations

import re

NAMES: dict[str, tuple[str, ...]] = {
    "user": (
        "userid", "user", "reviewerid", "reviewuserid", "customerid", "memberid", "raterid",
        "accountid", "personid", "profileid", "authorid", "criticid", "voterid", "gplususerid",
        "usermd5", "userhash", "userkey", "usercode", "useridx", "userindex", "uid", "users",
        "username", "profile", "profilename", "reviewprofilename", "reviewer", "reviewers",
        "reviewername", "customer", "member", "rater", "account", "person", "author", "critic",
        "nickname", "login", "visitorid", "readerid", "reader", "u",
    ),
    "item": (
        "itemid", "movieid", "filmid", "parentasin", "asin", "productid", "bookid", "isbn",
        "isbn13", "animeid", "artistid", "songid", "trackid", "albumid", "gameid", "appid",
        "businessid", "restaurantid", "placeid", "poiid", "venueid", "hotelid", "listingid",
        "recipeid", "beerid", "beerbeerid", "wineid", "jokeid", "videoid", "showid", "seriesid",
        "mangaid", "courseid", "articleid", "newsid", "gmapid", "gplusplaceid", "bggid", "imdbid",
        "tmdbid", "workid", "photoid", "podcastid", "objectid", "itemidx", "itemkey", "itemcode",
        "animeuid", "iid", "mid", "item", "items", "movie", "film", "product", "book", "anime",
        "artist", "song", "track", "album", "game", "app", "business", "restaurant", "place",
        "hotel", "recipe", "beer", "wine", "joke", "video", "show", "work", "course", "itemname",
        "movietitle", "movietitel", "booktitle", "animetitle", "title", "sku", "i",
    ),
    "rating": (
        "rating", "stars", "overall", "starrating", "ratingscore", "ratingvalue", "ratingval",
        "movierating", "userrating", "bookrating", "itemrating", "filmrating", "reviewoverall",
        "reviewrating", "reviewstars", "reviewscore", "userscore", "myrating", "myscore",
        "score", "ratings", "scores", "star", "grade", "points", "mark", "watchratio", "value", "r",
    ),
    "timestamp": (
        "timestamp", "ts", "unixreviewtime", "unixtime", "reviewunixtime", "timestamps",
        "ratingtimestamp", "datetime", "ratingdate", "ratingtime", "reviewdate", "reviewtime",
        "dateadded", "reviewcreationdate", "createdat", "ratedat", "createdate", "created", "time",
        "date", "dateupdated", "updatedat", "submitteddate", "datesubmitted", "datereviews",
        "lastupdated", "t",
    ),
}  # fmt: skip
"""The likeliest first, as `plain` writes them."""

KNOWN = frozenset(name for names in NAMES.values() for name in names)

_COUNTS = {"count", "num", "number", "n", "avg", "average", "mean", "total", "std", "max", "min"}
_ABOUT = {"age", "gender", "sex", "location", "country", "city", "state", "date", "time", "text"}
HINTS = {
    "user": {"user", "userid", "reviewer", "customer", "member", "rater", "profile", "critic"},
    "item": {
        "item", "movie", "film", "product", "book", "business", "anime", "manga", "song", "track",
        "artist", "album", "game", "recipe", "restaurant", "place", "beer", "wine", "id", "title",
    },
    "rating": {"rating", "ratings", "stars", "star", "score", "grade", "overall"},
    "timestamp": {"time", "timestamp", "date"},
}  # fmt: skip
"""Words in the name of a column that speak for a role …"""

NO_HINT = {
    "user": _COUNTS | _ABOUT | {"rating", "score", "stars", "item", "movie"},
    "item": _COUNTS | _ABOUT | {"user", "review", "reviewer", "rating", "customer", "category"},
    "rating": _COUNTS | _ABOUT | {"id", "helpful", "user", "name"} - {"user"},
    "timestamp": set(),
}
"""… and those that speak against it."""


def plain(name: str) -> str:
    """Return a header as it is compared: no type (``user_id:token``), case or punctuation.

    Where a slash stands in it (``review/userId``), the part behind it counts.

    >>> plain("User_ID:token"), plain("unixReviewTime"), plain("review/userId")
    ('userid', 'unixreviewtime', 'userid')
    """
    return re.sub(r"[\W_]", "", name.split(":")[0].rpartition("/")[2].lower())
