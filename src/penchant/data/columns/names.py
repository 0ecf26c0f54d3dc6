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
        "nickname", "login", "visitorid", "readerid", "reader", "사용자", "사용자id",
        "사용자아이디", "회원", "회원id", "회원번호", "유저", "유저id", "고객", "고객id",
        "고객번호", "작성자", "닉네임", "아이디", "nutzer", "nutzerid", "benutzer", "benutzerid",
        "kunde", "kundennr", "utilisateur", "idutilisateur", "client", "usuario", "idusuario",
        "cliente", "usuário", "utente", "ユーザー", "ユーザーid", "会員", "会員id", "顧客", "用户",
        "用户id", "用户名", "客户", "用戶", "u",
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
        "movietitle", "booktitle", "animetitle", "title", "sku", "moviename", "movienameen",
        "영화id", "영화", "영화명", "영화제목", "아이템id", "아이템", "상품id", "상품번호", "상품",
        "상품명", "도서id", "도서", "도서명", "책", "책id", "작품", "음악", "곡", "게임", "식당",
        "제목", "artikel", "artikelid", "artikelnr", "produkt", "produktid", "filmtitel", "buch",
        "titel", "produit", "idproduit", "livre", "titre", "article", "película", "pelicula",
        "idpelicula", "producto", "idproducto", "libro", "título", "titulo", "artículo",
        "articulo", "filme", "produto", "livro", "prodotto", "映画id", "映画", "商品id", "商品",
        "作品id", "作品", "本", "アイテム", "电影id", "电影", "电影名", "物品", "物品id", "书籍",
        "图书", "書籍", "電影", "i",
    ),
    "rating": (
        "rating", "stars", "overall", "starrating", "ratingscore", "ratingvalue", "ratingval",
        "movierating", "userrating", "bookrating", "itemrating", "filmrating", "reviewoverall",
        "reviewrating", "reviewstars", "reviewscore", "userscore", "myrating", "myscore", "score",
        "ratings", "scores", "star", "grade", "points", "mark", "watchratio", "평점", "별점",
        "점수", "평가", "등급", "bewertung", "note", "wertung", "punkte", "sterne", "évaluation",
        "evaluation", "valoración", "valoracion", "puntuación", "puntuacion", "calificación",
        "calificacion", "nota", "avaliação", "avaliacao", "voto", "valutazione", "評価", "評点",
        "評分", "评分", "打分", "分数", "value", "r",
    ),
    "timestamp": (
        "timestamp", "ts", "unixreviewtime", "unixtime", "reviewunixtime", "timestamps",
        "ratingtimestamp", "datetime", "ratingdate", "ratingtime", "reviewdate", "reviewtime",
        "dateadded", "reviewcreationdate", "createdat", "ratedat", "createdate", "created", "time",
        "date", "dateupdated", "updatedat", "submitteddate", "datesubmitted", "datereviews",
        "lastupdated", "날짜", "시간", "일시", "작성일", "등록일", "평가일", "타임스탬프", "datum",
        "zeit", "zeitstempel", "fecha", "hora", "heure", "horodatage", "data", "日付", "日時",
        "時間", "时间", "日期", "评分时间", "t",
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
