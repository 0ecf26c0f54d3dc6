// Reads a bundle without Python: node read_bundle.mjs films.penchant USER ITEM
// Needs: npm install apache-arrow
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { tableFromIPC } from "apache-arrow";

const [folder, user, item] = process.argv.slice(2);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const text = readFileSync(`${folder}/card.json`, "utf8");
const card = JSON.parse(text);
if (![1, 2].includes(card.format)) throw new Error(`format ${card.format} is not known here`);
if (sha256(text.replace(card.sha256, "0".repeat(64))) !== card.sha256) throw new Error("card.json was changed");

function read(name) {
  const bytes = readFileSync(`${folder}/${name}`);
  if (sha256(bytes) !== card.files[name].sha256) throw new Error(`${name} was changed`);
  return bytes;
}

const weights = read("weights.safetensors");
const start = 8 + Number(weights.readBigUInt64LE(0));
const header = JSON.parse(weights.toString("utf8", 8, start));
function array(name) {
  const [from, to] = header[name].data_offsets;
  return new Float32Array(weights.buffer.slice(weights.byteOffset + start + from, weights.byteOffset + start + to));
}

// An id that is not known gets row 0, the stranger.
const row = (name, id) => Math.max(0, [...tableFromIPC(read(name)).getChild("id")].findIndex((known) => String(known) === id));
const u = row("users.arrow", user), i = row("items.arrow", item);
const P = array("user_factors"), Q = array("item_factors"), K = header.user_factors.shape[1];
let rating = card.mean + array("user_bias")[u] + array("item_bias")[i];
for (let k = 0; k < K; k++) rating += P[u * K + k] * Q[i * K + k];
console.log(rating.toFixed(4));
