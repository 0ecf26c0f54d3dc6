"""Layouts of real data sets, each as its file looks: read without help, counted right."""

import bz2
import gzip
import json
import lzma

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import pytest

import penchant
from penchant.errors import DataError, SettingsError, SourceError


def load(path, **settings):
    return penchant.load(path, quiet=True, **settings)


def rows_of(ratings):
    stamps = [None] * len(ratings) if ratings.timestamps is None else ratings.timestamps.tolist()
    values = [round(value, 4) for value in ratings.values.tolist()]
    return list(zip(ratings.users, ratings.items, values, stamps, strict=True))


AMAZON = [("A3AF8FFZAZYNE5", "B00004WLIF", 5, 1092182400), ("A1EE2E3N7PW666", "0078764343", 4, 1)]
TABLE = {
    "amazon, user first": (
        "ratings_Books.csv",
        "A3AF8FFZAZYNE5,B00004WLIF,5.0,1092182400\nA1EE2E3N7PW666,0078764343,4.0,1\n",
        AMAZON,
    ),
    "amazon, item first": (
        "Books.csv",
        "B00004WLIF,A3AF8FFZAZYNE5,5.0,1092182400\n0078764343,A1EE2E3N7PW666,4.0,1\n",
        AMAZON,
    ),
    "amazon 2023": (
        "All_Beauty.csv",
        "user_id,parent_asin,rating,timestamp\nAGKHLEW2SOWHNMFQIJGBECAF7INQ,B00YQ6X8EO,5.0,"
        "1588687728923\nAGKHLEW2SOWHNMFQIJGBECAF7INQ,B081TJ8YS3,4.0,1588615855070\n",
        [
            ("AGKHLEW2SOWHNMFQIJGBECAF7INQ", "B00YQ6X8EO", 5, 1588687728),
            ("AGKHLEW2SOWHNMFQIJGBECAF7INQ", "B081TJ8YS3", 4, 1588615855),
        ],
    ),
    "amazon's own tsv": (
        "amazon_reviews_us.tsv",
        "marketplace\tcustomer_id\treview_id\tproduct_id\tproduct_parent\tproduct_title\t"
        "product_category\tstar_rating\thelpful_votes\ttotal_votes\tvine\tverified_purchase\t"
        "review_headline\treview_body\treview_date\n"
        'US\t18778586\tRDIJS7\tB00EDBY7X8\t122952789\tThe 12" Doll\tToys\t5\t0\t0\tN\tY\tFive\t'
        '"Excellent!!!\t2015-08-31\n'
        "US\t24769659\tR36ED1\tB00D7JFOPC\t952000001\tLego\tToys\t4\t0\t0\tN\tY\tGood\tOk\t"
        "2015-08-30\n",
        [(18778586, "B00EDBY7X8", 5, 1440979200), (24769659, "B00D7JFOPC", 4, 1440892800)],
    ),
    "fine foods": (
        "Reviews.csv",
        "Id,ProductId,UserId,ProfileName,HelpfulnessNumerator,HelpfulnessDenominator,Score,Time,"
        'Summary,Text\n1,B001E4KFG0,A3SGXH,delmartian,1,1,5,1303862400,Good,"I have, ""bought""\n'
        'several"\n2,B00813GRG4,A1D87F,dll pa,0,0,1,1346976000,Not,Bad\n',
        [("A3SGXH", "B001E4KFG0", 5, 1303862400), ("A1D87F", "B00813GRG4", 1, 1346976000)],
    ),
    "snap": (
        "foods.txt",
        "product/productId: B001E4KFG0\nreview/userId: A3SGXH\nreview/profileName: del: x\n"
        "review/helpfulness: 1/1\nreview/score: 5.0\nreview/time: 1303862400\nreview/text: Good.\n"
        "\nproduct/productId: B00813GRG4\nreview/userId: A1D87F\nreview/profileName: dll\n"
        "review/helpfulness: 0/0\nreview/score: 1.0\nreview/time: 1346976000\nreview/text: No.\n\n",
        [("A3SGXH", "B001E4KFG0", 5, 1303862400), ("A1D87F", "B00813GRG4", 1, 1346976000)],
    ),
    "ratebeer": (
        "beer.txt",
        "beer/name: John Harvards\nbeer/beerId: 63836\nreview/appearance: 4/5\n"
        "review/overall: 13/20\nreview/time: 1157587200\nreview/profileName: hopdog\n\n"
        "beer/name: Simple Brew\nbeer/beerId: 63837\nreview/appearance: 4/5\n"
        "review/overall: 14/20\nreview/time: 1157241600\nreview/profileName: TomDecapolis\n",
        [("hopdog", 63836, 13, 1157587200), ("TomDecapolis", 63837, 14, 1157241600)],
    ),
    "netflix": (
        "combined_data_1.txt",
        "1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n2:\n1488844,4,2005-09-05\n",
        [(1488844, 1, 3, 1125964800), (822109, 1, 5, 1115942400), (1488844, 2, 4, 1125878400)],
    ),
    "yahoo's cup": (
        "trainIdx1.txt",
        "0|2\n507696\t90\t1\t08:13:00\n137915\t70\t1\t08:13:00\n1|1\n507696\t0\t2\t14:57:00\n",
        [(0, 507696, 90, None), (0, 137915, 70, None), (1, 507696, 0, None)],
    ),
    "jester, two tabs": (
        "jester_ratings.dat",
        "1\t\t5\t\t0.219\n1\t\t7\t\t-9.281\n2\t\t5\t\t9.969\n",
        [(1, 5, 0.219, None), (1, 7, -9.281, None), (2, 5, 9.969, None)],
    ),
    "filmtrust": (
        "ratings.txt",
        "1 1 2\n1 2 3.5\n2 1 0.5\n",
        [(1, 1, 2, None), (1, 2, 3.5, None), (2, 1, 0.5, None)],
    ),
    "epinions": (
        "ratings_data.txt",
        "22605 42915 5 \n22605 5052 5 \n3 5052 1 \n",
        [(22605, 42915, 5, None), (22605, 5052, 5, None), (3, 5052, 1, None)],
    ),
    "aligned columns": (
        "rating.txt",
        "  1   10    5.0\n 20    9    1.0\n",
        [(1, 10, 5, None), (20, 9, 1, None)],
    ),
    "libimseti": ("ratings.dat", "1,133,8\n1,720,6\n2,133,10\n",
                  [(1, 133, 8, None), (1, 720, 6, None), (2, 133, 10, None)]),
    "movietweetings": (
        "ratings.dat",
        "1::0111161::10::1373234211\n2::0117060::7::1415241132\n",
        [(1, "0111161", 10, 1373234211), (2, "0117060", 7, 1415241132)],
    ),
    "hetrec": (
        "user_ratedmovies.dat",
        "userID\tmovieID\trating\tdate_day\tdate_month\tdate_year\n75\t3\t1\t29\t10\t2006\n"
        "75\t32\t4.5\t29\t10\t2006\n",
        [(75, 3, 1, None), (75, 32, 4.5, None)],
    ),
    "goodbooks": ("ratings.csv", "user_id,book_id,rating\n1,258,5\n2,4081,4\n",
                  [(1, 258, 5, None), (2, 4081, 4, None)]),
    "food.com": (
        "RAW_interactions.csv",
        "user_id,recipe_id,date,rating,review\n38094,40893,2003-02-17,4,Great\n"
        '1293707,40893,2011-12-21,5,"So, so\r\ngood"\n',
        [(38094, 40893, 4, 1045440000), (1293707, 40893, 5, 1324425600)],
    ),
    "food.com, prepared": (
        "interactions_train.csv",
        "user_id,recipe_id,date,rating,u,i\n2046,4684,2000-02-25,5.0,22095,44367\n"
        "2046,517,2000-02-25,3.0,22095,87844\n",
        [(2046, 4684, 5, 951436800), (2046, 517, 3, 951436800)],
    ),
    "my anime list reviews": (
        "reviews.csv",
        "uid,profile,anime_uid,text,score,scores,link\n255938,DesolatePsyche,34096,\"x\n y\",8,"
        "\"{'Overall': '8'}\",https://a\n259117,baekbeans,34599,good,10,{},https://b\n"
        "253664,DesolatePsyche,28891,fine,7,{},https://c\n",
        [("DesolatePsyche", 34096, 8, None), ("baekbeans", 34599, 10, None),
         ("DesolatePsyche", 28891, 7, None)],
    ),
    "board games": (
        "bgg-13m-reviews.csv",
        ",user,rating,comment,ID,name\n0,Torsten,10.0,,30549,Pandemic\n"
        "1,mitnachtKAUBO-I,9.5,\"Hands, down\",30549,Pandemic\n2,Torsten,8,,822,Carcassonne\n",
        [("Torsten", 30549, 10, None), ("mitnachtKAUBO-I", 30549, 9.5, None),
         ("Torsten", 822, 8, None)],
    ),
    "board games, by id": ("user_ratings.csv", "BGGId,Rating,Username\n213788,8.0,Tonydor\n"
                           "213789,6.5,Tonydor\n",
                           [("Tonydor", 213788, 8, None), ("Tonydor", 213789, 6.5, None)]),
    "beer advocate": (
        "beer_reviews.csv",
        "brewery_id,brewery_name,review_time,review_overall,review_aroma,review_appearance,"
        "review_profilename,beer_style,review_palate,review_taste,beer_name,beer_abv,beer_beerid\n"
        "10325,Vecchio,1234817823,1.5,2,2.5,stcules,Hefe,1.5,1.5,Sausa,5,47986\n"
        "10325,Vecchio,1235915097,3,2.5,3,stcules,Strong,3,3,Red,6.2,48213\n",
        [("stcules", 47986, 1.5, 1234817823), ("stcules", 48213, 3, 1235915097)],
    ),
    "letterboxd": (
        "ratings_export.csv",
        "_id,movie_id,rating_val,user_id\n5fc57c5d6758f6963451a07f,feast-2014,7,deathproof\n"
        "5fc57c5d6758f6963451a063,loving-2016,9,deathproof\n",
        [("deathproof", "feast-2014", 7, None), ("deathproof", "loving-2016", 9, None)],
    ),
    "douban": (
        "ratings.csv",
        "RATING_ID,USER_MD5,MOVIE_ID,RATING,RATING_TIME\n1359352573,0ab7e3,10430817,5,"
        "2018-05-06 19:27:03\n1359352574,84dbb5,26636712,4,2018-05-06 19:28:27\n",
        [("0ab7e3", 10430817, 5, 1525634823), ("84dbb5", 26636712, 4, 1525634907)],
    ),
    "kuairec": (
        "small_matrix.csv",
        "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio\n"
        "14,148,4381,6067,2020-07-05 05:27:48.378,20200705,1593898068.378,0.7221\n"
        "14,183,11635,6100,2020-07-05 05:28:00.057,20200705,1593898080.057,1.9074\n",
        [(14, 148, 0.7221, 1593898068), (14, 183, 1.9074, 1593898080)],
    ),
    "restaurants": ("rating_final.csv", "userID,placeID,rating,food_rating,service_rating\n"
                    "U1077,135085,2,2,2\nU1077,135038,0,2,1\n",
                    [("U1077", 135085, 2, None), ("U1077", 135038, 0, None)]),
    "contexts": (
        "ratings.txt",
        "userid,itemid,rating,Time,Location,Companion\n1001,tt0454876,1,NA,NA,NA\n"
        "1001,tt0266543,5,Weekend,Home,Alone\n",
        [(1001, "tt0454876", 1, None), (1001, "tt0266543", 5, None)],
    ),
    "decimal commas": (
        "noten.csv",
        "Benutzer-ID;user;Titel;movie;Rating\n1;ann;a;Ran;3,5\n2;bob;b;Up;4,0\n",
        [("ann", "Ran", 3.5, None), ("bob", "Up", 4, None)],
    ),
    "konect": (
        "out.movielens",
        "% bip weighted\n% 100000 943 1682\n1 1 5 881250949\n2 2 3 891717742\n",
        [(1, 1, 5, 881250949), (2, 2, 3, 891717742)],
    ),
    "matrix market": (
        "ratings.mtx",
        "%%MatrixMarket matrix coordinate real general\n% made\n3 2 2\n1 1 5\n3 2 2.5\n",
        [(1, 1, 5, None), (3, 2, 2.5, None)],
    ),
    "names in a comment": ("r.txt", "# item_id rating user_id\n7 5 ann\n8 4 bob\n",
                           [("ann", 7, 5, None), ("bob", 8, 4, None)]),
    "comments between": ("r.csv", "# made by hand\nuser,item,rating\n1,2,3\n# second day\n4,5,6\n",
                         [(1, 2, 3, None), (4, 5, 6, None)]),
    "carriage returns": ("mac.csv", "user,item,rating\r1,2,3\r4,5,6\r",
                         [(1, 2, 3, None), (4, 5, 6, None)]),
    "separator at the end": ("r.csv", "user;item;rating;\n1;2;3;\n4;5;6;\n",
                             [(1, 2, 3, None), (4, 5, 6, None)]),
    "rows with numbers": ("r.csv", "user item rating\n0 1 2 3\n1 4 5 6\n2 7 8 9\n",
                          [(1, 2, 3, None), (4, 5, 6, None), (7, 8, 9, None)]),
    "time before rating": ("r.csv", "1,2,1577836800,3\n4,5,1577836801,5\n",
                           [(1, 2, 3, 1577836800), (4, 5, 5, 1577836801)]),
    "us dates": ("r.csv", "user,item,rating,date\n1,2,3,12/31/2019\n2,2,4,1/2/2020 3:04 PM\n",
                 [(1, 2, 3, 1577750400), (2, 2, 4, 1577977440)]),
    "days first": ("r.csv", "user,item,rating,date\n1,2,3,31/12/2019\n2,2,4,02/01/2020\n",
                   [(1, 2, 3, 1577750400), (2, 2, 4, 1577923200)]),
    "dates in words": ("r.csv", 'user,item,rating,reviewTime\n1,2,3,"07 9, 2012"\n'
                       '2,2,4,"12 31, 2019"\n', [(1, 2, 3, 1341792000), (2, 2, 4, 1577750400)]),
    "korean": (
        "평점.csv",
        "사용자,영화,평점,날짜\n영희,괴물,4.5,2020-01-01\n철수,올드보이,3,2020-01-02\n",
        [("영희", "괴물", 4.5, 1577836800), ("철수", "올드보이", 3, 1577923200)],
    ),
    "german": ("noten.csv", "Nutzer;Film;Bewertung;Datum\n1;Ran;3,5;02.03.2020\n"
               "2;Up;4,0;31.12.2019\n",
               [(1, "Ran", 3.5, 1583107200), (2, "Up", 4, 1577750400)]),
    "row numbers of R": ("r.csv", "user item rating\n1 4 2 3\n2 4 5 6\n3 7 8 9\n",
                         [(4, 2, 3, None), (4, 5, 6, None), (7, 8, 9, None)]),
    "douban films": (
        "DMSC.csv",
        "ID,Movie_Name_EN,Movie_Name_CN,Crawl_Date,Number,Username,Date,Star,Comment,Like\n"
        "0,Avengers,复仇者联盟2,2017-01-22,1,然潘,2015-05-13,3,连奥,2404\n"
        "1,Avengers,复仇者联盟2,2017-01-22,2,更深的白色,2015-04-24,2,非,1231\n"
        "2,Ran,乱,2017-01-22,3,然潘,2015-04-26,5,好,1052\n",
        [("然潘", "Avengers", 3, 1431475200), ("更深的白色", "Avengers", 2, 1429833600),
         ("然潘", "Ran", 5, 1430006400)],
    ),
    "names that say nothing": (
        "r.csv",
        "a,b,c,d\n" + "".join(f"p{at % 3},q{at % 4},2020-01-0{at % 3 + 1},{at % 5}.5\n"
                              for at in range(12)),
        [(f"p{at % 3}", f"q{at % 4}", at % 5 + 0.5, 1577836800 + 86400 * (at % 3))
         for at in range(12)],
    ),
    "matrix with names": ("UserRatings1.csv", "JokeId,User1,User2,User3\n0,5.1,,0.8\n1,4.9,-9.7,\n",
                          [("User1", 0, 5.1, None), ("User3", 0, 0.8, None),
                           ("User1", 1, 4.9, None), ("User2", 1, -9.7, None)]),
}  # fmt: skip


@pytest.mark.parametrize("layout", TABLE)
def test_a_layout_is_read_without_help(tmp_path, layout):
    name, content, rows = TABLE[layout]
    path = tmp_path / name
    path.write_bytes(content.encode())
    assert rows_of(load(path)) == rows


LINES = [
    {"reviewerID": "A2SU", "asin": "0000031852", "reviewerName": "J. \"x\"", "helpful": [2, 3],
     "reviewText": "Great,\n", "overall": 5.0, "unixReviewTime": 1341792000,
     "reviewTime": "07 9, 2012"},
    {"reviewerID": "A2ZZ", "asin": "B000000002", "helpful": [0, 0], "reviewText": "é",
     "overall": 3.0, "unixReviewTime": 1341792001, "reviewTime": "07 9, 2012"},
]  # fmt: skip
JSON_ROWS = [("A2SU", "0000031852", 5, 1341792000), ("A2ZZ", "B000000002", 3, 1341792001)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "".join(json.dumps(line) + "\n" for line in LINES)),
        ("a.json.gz", gzip.compress("".join(json.dumps(r) + "\n" for r in LINES).encode())),
        ("a.jsonl.bz2", bz2.compress("".join(json.dumps(r) + "\n" for r in LINES).encode())),
        ("list.json", json.dumps(LINES, indent=1)),
        ("loose.json", "".join(f"{line}\n" for line in LINES)),
    ],
)
def test_reviews_in_json(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert rows_of(load(path)) == JSON_ROWS


def test_yelp_and_goodreads(tmp_path):
    yelp = {"review_id": "r1", "user_id": "u1", "business_id": "b1", "stars": 4.0, "useful": 0,
            "text": "x", "date": "2016-05-28 19:04:11"}  # fmt: skip
    path = tmp_path / "yelp.json"
    path.write_text(json.dumps(yelp) + "\n" + json.dumps(yelp | {"user_id": "u2"}) + "\n")
    assert rows_of(load(path)) == [("u1", "b1", 4, 1464462251), ("u2", "b1", 4, 1464462251)]
    book = {"user_id": "8842281e", "book_id": "24375664", "review_id": "5cd4", "rating": 5,
            "date_added": "Fri Aug 25 13:55:02 -0700 2017", "n_votes": 16}  # fmt: skip
    path.write_text(json.dumps(book) + "\n")
    assert rows_of(load(path)) == [("8842281e", 24375664, 5, 1503694502)]


def test_packed_files(tmp_path):
    text = b"userId,movieId,rating\n1,2,3.5\n2,2,4\n"
    zstd = pa.compress(text, codec="zstd", asbytes=True)
    packed = {
        "r.csv.gz": gzip.compress(text),
        "r.csv.bz2": bz2.compress(text),
        "r.csv.xz": lzma.compress(text),
        "r.csv.zst": zstd,
        "r.csv": gzip.compress(text),
    }
    for name, content in packed.items():
        (tmp_path / name).write_bytes(content)
        assert rows_of(load(tmp_path / name)) == [(1, 2, 3.5, None), (2, 2, 4, None)]


def test_files_of_columns(tmp_path):
    rows = [("ann", 7, 3.5, 1577836800), ("bob", 7, 4, 1577836801)]
    user, item, value, time = (list(column) for column in zip(*rows, strict=True))
    table = pa.table({"text": ["x", "y"], "userId": pa.array(user).dictionary_encode(),
                      "stars": value, "movieId": item,
                      "date": pa.array(time).cast(pa.timestamp("s"))})  # fmt: skip
    pa.parquet.write_table(table, tmp_path / "r.parquet")
    pa.feather.write_feather(table, tmp_path / "r.feather")
    with pa.ipc.new_stream(tmp_path / "r.arrows", table.schema) as stream:
        stream.write_table(table)
    for name in ("r.parquet", "r.feather", "r.arrows"):
        assert rows_of(load(tmp_path / name)) == rows


def test_parts_of_one_table(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "_SUCCESS").write_bytes(b"")
    (folder / ".part-00000.csv.crc").write_bytes(b"\0\1")
    (folder / "part-00000.csv").write_text("userId,movieId,rating\n1,2,3\n")
    (folder / "part-00001.csv").write_text("rating,movieId,userId\n4,2,2\n5,x7,1\n")
    rows = [("1", "2", 3, None), ("2", "2", 4, None), ("1", "x7", 5, None)]
    ratings = load(folder)
    assert [(str(u), i, r, t) for u, i, r, t in rows_of(ratings)] == rows
    assert ratings.notices[0].startswith("2 files as part-00000.csv: separated by commas, header;")
    assert rows_of(load(f"{folder}/part-*.csv")) == rows_of(ratings)
    (folder / "part-00001.csv").write_text("userId,movieId,rating\n2,2,4\n2,3,oops\n")
    with pytest.raises(DataError, match=r"part-00001\.csv, line 3: the rating 'oops' is no"):
        load(folder)
    with pytest.raises(SourceError, match=r"No file is named '.*\*\.tsv'\. Check the pattern"):
        load(f"{folder}/*.tsv")


def test_netflix_as_a_folder(tmp_path):
    (tmp_path / "mv_0000001.txt").write_text("1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n")
    (tmp_path / "mv_0000002.txt").write_text("2:\n822109,4,2005-09-05\n")
    rows = rows_of(load(tmp_path))
    assert [row[:3] for row in rows] == [(1488844, 1, 3), (822109, 1, 5), (822109, 2, 4)]


ASKED = {
    "book-crossing": (
        '"User-ID";"ISBN";"Book-Rating"\r\n"276725";"034545104X";"0"\r\n'
        + "".join(f'"{at}";"038550{at:04d}X";"0"\r\n' for at in range(40))
        + '"276726";"0155061224";"5"\r\n"276727";"044\xe952052X";"8"\r\n"1";"0";"10"\r\n',
        0, 41, [("5", 276726), ("8", 276727), ("10", 1)],
    ),
    "anime": (
        "user_id,anime_id,rating\n1,20,-1\n1,24,-1\n2,20,8\n3,20,10\n",
        -1, 2, [("8", 2), ("10", 3)],
    ),
    "jester's 99": (
        "user,item,rating\n1,1,99\n1,2,-9.5\n2,1,8.2\n2,2,99\n",
        99, 2, [("-9.5", 1), ("8.2", 2)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_entries_that_may_mean_unrated_are_asked_about(tmp_path, name):
    content, number, count, kept = ASKED[name]
    path = tmp_path / "r.csv"
    path.write_bytes(content.encode("latin-1"))
    message = rf"{count} of \d+ ratings are {number}, .* Then say unrated={number} \(--unrated="
    with pytest.raises(DataError, match=message):
        load(path)
    ratings = load(path, unrated=number)
    assert ratings.values.tolist() == pytest.approx([float(value) for value, _ in kept])
    assert ratings.users == [user for _, user in kept]
    assert len(ratings.user_ids) == len({user for _, user in kept})
    assert f"{count} unrated entries left out" in ratings.notices[0]
    assert len(load(path, unrated="nothing")) == len(kept) + count
    with pytest.raises(DataError, match="holds no ratings but unrated entries"):
        load(path, unrated=[number, *(float(value) for value, _ in kept)])


def test_a_jester_matrix(tmp_path):
    draw = np.random.default_rng(0)
    cells = np.where(draw.random((6, 12)) < 0.6, draw.uniform(-10, 10, (6, 12)).round(2), 99)
    counts = (cells != 99).sum(axis=1, keepdims=True)
    path = tmp_path / "jester-data-1.csv"
    np.savetxt(path, np.hstack([counts, cells]), delimiter=",", fmt="%g")
    with pytest.raises(DataError, match="ratings are 99, and the others run from"):
        load(path)
    ratings = load(path, unrated=99)
    where = np.argwhere(cells != 99)
    assert list(zip(ratings.users, ratings.items, strict=True)) == [
        (u + 1, i + 1) for u, i in where.tolist()
    ]
    assert ratings.values == pytest.approx(cells[cells != 99])
    assert "a matrix, users down, 12 items across" in ratings.notices[0]
    path.write_text(path.read_text().replace("99", "soon", 1))


@pytest.mark.parametrize(
    "content",
    [
        "1,3,11,4,5,2008-01-01\n2,3,12,9,4,2008-01-02\n",  # user, genre, review, movie, rating …
        "1 100 2 5 3\n1 101 2 4 4\n",  # Ciao: user, product, category, rating, helpfulness
        "1,2,1577836800\n3,4,1577836801\n",  # no ratings at all
    ],
)
def test_columns_that_could_be_several_are_asked_about(tmp_path, content):
    path = tmp_path / "r.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=r"has no header, and its \d columns can be read in more"):
        load(path)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (b"SQLite format 3\0", r"is a SQLite database\. Say which rows: load\('sqlite:///"),
        (b"\xd0\xcf\x11\xe0", r"is an Excel workbook\. Export the sheet"),
        (b"\x80\x04\x95", r"is a Python pickle, which is never opened"),
        (b"\x89HDF\r\n", r"is an HDF5 file"),
        (b"{user: 1}\n", r"begins as JSON does, but its first record cannot be read"),
        (b'{"user": 1, "item": 2, "rating": 3}\n{"user"\n', r"cannot be read: Malformed JSON"),
    ],
)
def test_files_of_other_kinds(tmp_path, first, message):
    path = tmp_path / "r.csv"
    path.write_bytes(first)
    with pytest.raises(SourceError, match=message):
        load(path)


def test_encodings(tmp_path):
    text = "user;item;rating\n1;“Amélie”;4\n2;Žižkov;5\n"
    rows = [(1, "“Amélie”", 4, None), (2, "Žižkov", 5, None)]
    path = tmp_path / "r.csv"
    for codec, told in (("cp1252", "Windows-1252"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16")):
        path.write_bytes(text.encode(codec))
        ratings = load(path)
        assert rows_of(ratings) == rows
        assert told in ratings.notices[0]
    for codec, names in (("cp949", ["괴물", "올드보이"]), ("gb18030", ["霸王别姬", "让子弹飞"])):
        path.write_bytes(f"user;item;rating\n1;{names[0]};4\n2;{names[1]};5\n".encode(codec))
        assert load(path).items == load(path, encoding=codec).items == names
    with pytest.raises(SettingsError, match=r"encoding must be a name such as utf-8.*'cp0'"):
        load(path, encoding="cp0")


def test_a_damaged_letter_beside_good_ones_is_refused(tmp_path):
    path = tmp_path / "r.csv"
    text = "user,item,rating\n1,Amélie,4\n2,Été,5\n3,Ran,3\n".encode()
    path.write_bytes(text.replace("É".encode(), b"\xc3"))
    with pytest.raises(SourceError, match=r"line 3: bytes that are no text, though 1 other lines"):
        load(path)


def test_a_name_too_few_is_told(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("userId,movieId,rating\n7,1,3,10\n9,2,4,11\n")
    with pytest.raises(DataError, match=r"line 2: 4 fields instead of 3"):
        load(path)


def test_columns_without_known_names_are_not_guessed_where_two_could_be_the_rating(tmp_path):
    path = tmp_path / "r.csv"
    rows = [f"p{at % 3},{at % 14 + 1},{at % 9 / 2 + 0.5}" for at in range(40)]
    for broken in ("", "x"):
        path.write_text("a,b,c\n" + "\n".join([*rows, f"p1,2,3.5{broken}"]) + "\n")
        with pytest.raises(DataError, match="no column is recognised as the user and the item"):
            load(path)


@pytest.mark.parametrize("zeros", [2, 30])
def test_a_heap_of_zeros_far_from_the_rest_is_asked_about(tmp_path, zeros):
    path = tmp_path / "r.csv"
    rows = [0] * zeros + [5, 6, 7, 8, 10]
    path.write_text("".join(f"{at},{at % 3},{value}\n" for at, value in enumerate(rows)))
    with pytest.raises(DataError, match=rf"{zeros} of {zeros + 5} ratings are 0"):
        load(path)
    assert len(load(path, unrated=(0,))) == 5
    with pytest.raises(SettingsError, match="unrated names the entries that mean 'no rating'"):
        load(path, unrated="zero")
