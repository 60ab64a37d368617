// Publishes what amqplib can write to a fanout exchange: node writer.cjs URL EXCHANGE
// amqplib.json beside this file is what it put on the wire: the content headers of these messages, in hex.
"use strict";

const amqplib = require("amqplib");

const typed = (type, value) => ({ "!": type, value });
const plain = {
  text: "Zoë", empty: "", yes: true, no: false, nothing: null,
  byte: 100, negative: -1, short: 1000, int: 100000, long: 2 ** 40, most: Number.MAX_SAFE_INTEGER,
  ratio: 0.1, small: -1.5e-300, huge: 2 ** 70,
  buffer: Buffer.from([0, 255, 1]), list: [1, "two", [3.5, null], { four: true }], table: { deep: { deeper: [{}] } },
};
const chosen = {
  int8: typed("int8", -128), uint8: typed("uint8", 255), int16: typed("int16", -32768),
  uint16: typed("uint16", 65535), int32: typed("int32", -(2 ** 31)), uint32: typed("uint32", 2 ** 32 - 1),
  int64: typed("int64", -(2 ** 53)), float: typed("float", 0.1), double: typed("double", 1),
  timestamp: typed("timestamp", 1700000000), late: typed("timestamp", 1700000000000),
  decimal: typed("decimal", { places: 2, digits: 999 }), wide: typed("decimal", { places: 255, digits: 2 ** 32 - 1 }),
};
const all = {
  contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 2, priority: 9, correlationId: "c",
  replyTo: "answers", messageId: "m1", timestamp: 1700000000, type: "order.created", appId: "shop",
};

async function main(url, exchange) {
  const connection = await amqplib.connect(url);
  const channel = await connection.createConfirmChannel();
  for (const options of [{}, all, { headers: plain }, { ...all, headers: chosen }]) {
    channel.publish(exchange, "any.key", Buffer.from("from amqplib"), options);
  }
  await channel.waitForConfirms();
  await connection.close();
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exit(1);
});
