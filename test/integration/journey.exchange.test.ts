/** Orders from signature to fill: by contracts and operators, in parts, reduced, cancelled, in batches, replayed elsewhere. */

import { expect } from "chai";
import { type BytesLike, ZeroHash } from "ethers";
import { network } from "hardhat";
import {
  type Erc1271Wallet,
  Erc1271Wallet__factory,
  type Exchange,
  Exchange__factory,
} from "../../typechain-types/index.js";
import { type Actor, accountOf } from "../helpers/actors.ts";
import { step } from "../helpers/conservation.ts";
import { deployBackstop, deposit, dollars, type Fixture, nextNonce, stake } from "../helpers/fixture.ts";
import { hashOrder, matchOf, NEVER, type OrderFields, orderOf, POST_ONLY, REDUCE_ONLY } from "../helpers/orders.ts";
import { MINUTE, now } from "../helpers/time.ts";

const connection = await network.create();
const { loadFixture, time } = connection.networkHelpers;

const PRICE = dollars(2_000n); // {u/lot}
const LOTS = 10_000n; // {lot} 1 ETH

async function funded() {
  const fx = await deployBackstop(connection);
  await stake(fx);
  for (const who of [fx.alice, fx.bob, fx.carol, fx.maker]) await deposit(fx, who);
  await fx.engine.sync(0);
  return fx;
}

/** An order of the actor's main account; negative lots sell. */
function order(fx: Fixture, actor: Actor, lots: bigint, changes: Partial<OrderFields> = {}) {
  const fields = { account: accountOf(actor), lots, price: PRICE, nonce: nextNonce(fx), ...changes };
  return { signer: actor, order: orderOf(fields) };
}

const lotsOf = async ({ engine }: Fixture, account: bigint) => (await engine.positions(account, 0)).lots;

describe("an order of a contract wallet", () => {
  /** A wallet of alice's that has put $10,000 into its own account. */
  async function withWallet() {
    const fx = await funded();
    const wallet = await new Erc1271Wallet__factory(fx.alice).deploy(fx.alice);
    const account = accountOf({ address: await wallet.getAddress() });
    const amount = 10_000n * fx.unit;
    await fx.token.mint(wallet, amount);
    await wallet.execute(
      fx.token,
      fx.token.interface.encodeFunctionData("approve", [await fx.engine.getAddress(), amount]),
    );
    await step(fx, wallet.execute(fx.engine, fx.engine.interface.encodeFunctionData("deposit", [account, amount])));
    return { ...fx, wallet, account };
  }

  const walletOrder = (fx: Fixture & { wallet: Erc1271Wallet; account: bigint }, signer: Actor) => ({
    signer,
    order: orderOf({ account: fx.account, lots: LOTS, price: PRICE, nonce: nextNonce(fx) }),
  });

  it("settles with its owner's signature, and the money comes out again", async () => {
    const fx = await loadFixture(withWallet);
    const taker = walletOrder(fx, fx.alice);
    const pair = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), taker);
    const fee = (LOTS * PRICE * 500n) / 1_000_000n;
    await expect(step(fx, fx.exchange.connect(fx.keeper).settle(pair)))
      .to.emit(fx.engine, "Filled")
      .withArgs(0, fx.account, accountOf(fx.maker), LOTS, PRICE, fee, -fee / 5n);
    expect(await lotsOf(fx, fx.account)).to.equal(LOTS);

    const amount = 5_000n * fx.unit;
    const withdrawal: [bigint, bigint, bigint, string] = [fx.account, amount, amount, await fx.wallet.getAddress()];
    await step(fx, fx.wallet.execute(fx.engine, fx.engine.interface.encodeFunctionData("withdraw", withdrawal)));
    expect(await fx.token.balanceOf(fx.wallet)).to.equal(amount);
  });

  it("is refused with anybody else's signature", async () => {
    const fx = await loadFixture(withWallet);
    const taker = walletOrder(fx, fx.bob);
    const pair = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), taker);
    await expect(fx.exchange.settle(pair))
      .to.be.revertedWithCustomError(fx.exchange, "BadSignature")
      .withArgs(await hashOrder(fx.exchange, taker.order), fx.account);
  });

  it("may be signed by an operator whom the wallet appointed", async () => {
    const fx = await loadFixture(withWallet);
    const appoint = (approved: boolean) =>
      fx.wallet.execute(fx.engine, fx.engine.interface.encodeFunctionData("setOperator", [fx.bob.address, approved]));
    await expect(appoint(true)).to.emit(fx.engine, "OperatorSet").withArgs(fx.wallet, fx.bob, true);
    const taker = walletOrder(fx, fx.bob);
    const pair = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), taker, LOTS / 2n);
    await step(fx, fx.exchange.settle(pair));
    expect(await lotsOf(fx, fx.account)).to.equal(LOTS / 2n);

    await appoint(false); // what the operator signed is void with the appointment
    await expect(fx.exchange.settle(pair))
      .to.be.revertedWithCustomError(fx.exchange, "BadSignature")
      .withArgs(await hashOrder(fx.exchange, taker.order), fx.account);
  });

  it("is the wallet's alone: nobody else moves it, and what it calls may refuse", async () => {
    const fx = await loadFixture(withWallet);
    const call = fx.engine.interface.encodeFunctionData("deposit", [fx.account, 0n]);
    await expect(fx.wallet.connect(fx.bob).execute(fx.engine, call))
      .to.be.revertedWithCustomError(fx.wallet, "WalletRefused")
      .withArgs("0x");
    await expect(fx.wallet.execute(fx.engine, call))
      .to.be.revertedWithCustomError(fx.wallet, "WalletRefused")
      .withArgs(fx.engine.interface.encodeErrorResult("ZeroAmount"));
    await expect(fx.engine.connect(fx.alice).withdraw(fx.account, 1n, 0n, fx.alice))
      .to.be.revertedWithCustomError(fx.engine, "NotAuthorized")
      .withArgs(fx.alice, fx.account);
  });
});

describe("an operator", () => {
  it("trades for the owner's accounts, and not for others", async () => {
    const fx = await loadFixture(funded);
    await fx.engine.connect(fx.alice).setOperator(fx.dave, true);
    const side = { ...order(fx, fx.alice, LOTS), signer: fx.dave };
    await step(fx, fx.exchange.settle(await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), side)));
    expect(await lotsOf(fx, accountOf(fx.alice))).to.equal(LOTS);

    const foreign = { ...order(fx, fx.bob, LOTS), signer: fx.dave };
    await expect(fx.exchange.settle(await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), foreign)))
      .to.be.revertedWithCustomError(fx.exchange, "BadSignature")
      .withArgs(await hashOrder(fx.exchange, foreign.order), accountOf(fx.bob));
  });

  it("cancels for the owner", async () => {
    const fx = await loadFixture(funded);
    const side = order(fx, fx.alice, LOTS);
    const { account, nonce } = side.order;
    await expect(fx.exchange.connect(fx.dave).cancel(account, nonce))
      .to.be.revertedWithCustomError(fx.exchange, "NotAuthorized")
      .withArgs(fx.dave, account);
    await fx.engine.connect(fx.alice).setOperator(fx.dave, true);
    await expect(fx.exchange.connect(fx.dave).cancel(account, nonce))
      .to.emit(fx.exchange, "OrderCancelled")
      .withArgs(account, nonce);
    await expect(fx.exchange.settle(await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), side)))
      .to.be.revertedWithCustomError(fx.exchange, "Overfilled")
      .withArgs(LOTS, 0);
  });
});

describe("an order", () => {
  it("fills in parts against several, and never beyond its size", async () => {
    const fx = await loadFixture(funded);
    const resting = order(fx, fx.maker, -LOTS);
    const parts = [
      [fx.alice, 5_000n],
      [fx.bob, 3_000n],
    ] as const;
    let left = LOTS;
    for (const [taker, lots] of parts) {
      const side = order(fx, taker, lots);
      await expect(step(fx, fx.exchange.settle(await matchOf(fx.exchange, resting, side))))
        .to.emit(fx.exchange, "OrdersMatched")
        .withArgs(accountOf(fx.maker), accountOf(taker), resting.order.nonce, side.order.nonce, lots, PRICE);
      left -= lots;
      expect(await fx.exchange.remaining(resting.order)).to.equal(left);
      expect(await lotsOf(fx, accountOf(taker))).to.equal(lots);
    }
    const last = await matchOf(fx.exchange, resting, order(fx, fx.carol, 3_000n));
    await expect(fx.exchange.settle(last))
      .to.be.revertedWithCustomError(fx.exchange, "Overfilled")
      .withArgs(3_000, left);
    await step(fx, fx.exchange.settle({ ...last, lots: left }));
    expect(await fx.exchange.remaining(resting.order)).to.equal(0n);
    expect(await lotsOf(fx, accountOf(fx.maker))).to.equal(-LOTS);
  });

  it("settles once: the same pair again finds nothing left", async () => {
    const fx = await loadFixture(funded);
    const pair = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), order(fx, fx.alice, LOTS));
    await step(fx, fx.exchange.settle(pair));
    await expect(fx.exchange.settle(pair)).to.be.revertedWithCustomError(fx.exchange, "Overfilled").withArgs(LOTS, 0);
  });

  it("gives the taker the maker's better price", async () => {
    const fx = await loadFixture(funded);
    const better = PRICE - PRICE / 100n;
    const pair = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS, { price: better }), order(fx, fx.alice, LOTS));
    await step(fx, fx.exchange.settle(pair));
    const fee = (LOTS * better * 500n) / 1_000_000n;
    const { indexLong } = await fx.engine.markets(0);
    const { quote } = await fx.engine.positions(accountOf(fx.alice), 0);
    expect(quote).to.equal(-LOTS * (better - indexLong) - fee);
  });

  it("that may only reduce closes a position and opens none", async () => {
    const fx = await loadFixture(funded);
    await step(
      fx,
      fx.exchange.settle(await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), order(fx, fx.alice, LOTS))),
    );
    const reduce = (lots: bigint) =>
      matchOf(fx.exchange, order(fx, fx.bob, -lots), order(fx, fx.alice, lots, { flags: REDUCE_ONLY }));
    await expect(fx.exchange.settle(await reduce(1_000n)))
      .to.be.revertedWithCustomError(fx.engine, "ReduceOnly")
      .withArgs(accountOf(fx.alice), LOTS);

    const close = order(fx, fx.alice, -2n * LOTS, { flags: REDUCE_ONLY });
    const turn = await matchOf(fx.exchange, order(fx, fx.bob, 2n * LOTS), close);
    await expect(fx.exchange.settle(turn))
      .to.be.revertedWithCustomError(fx.engine, "ReduceOnly")
      .withArgs(accountOf(fx.alice), LOTS);
    await step(fx, fx.exchange.settle({ ...turn, lots: LOTS }));
    expect(await lotsOf(fx, accountOf(fx.alice))).to.equal(0n);
    expect(await lotsOf(fx, accountOf(fx.bob))).to.equal(LOTS);
  });

  it("is over when cancelled, expired or replaced", async () => {
    const fx = await loadFixture(funded);
    const resting = order(fx, fx.maker, -LOTS);
    await step(fx, fx.exchange.settle(await matchOf(fx.exchange, resting, order(fx, fx.alice, 4_000n))));
    await fx.exchange.connect(fx.maker).cancel(resting.order.account, resting.order.nonce);
    expect(await fx.exchange.remaining(resting.order)).to.equal(0n);
    await expect(fx.exchange.settle(await matchOf(fx.exchange, resting, order(fx, fx.alice, 4_000n))))
      .to.be.revertedWithCustomError(fx.exchange, "Overfilled")
      .withArgs(4_000, 0);

    const expiry = (await now(connection.ethers)) + MINUTE;
    const brief = order(fx, fx.maker, -LOTS, { expiry: BigInt(expiry) });
    const late = await matchOf(fx.exchange, brief, order(fx, fx.alice, LOTS));
    await time.setNextBlockTimestamp(expiry + 1);
    await expect(fx.exchange.settle(late))
      .to.be.revertedWithCustomError(fx.exchange, "OrderExpired")
      .withArgs(expiry + 1, expiry);

    const replaced = order(fx, fx.maker, -LOTS);
    const next = order(fx, fx.maker, -LOTS); // same lane, higher sequence
    await step(fx, fx.exchange.settle(await matchOf(fx.exchange, next, order(fx, fx.alice, LOTS))));
    await expect(fx.exchange.settle(await matchOf(fx.exchange, replaced, order(fx, fx.alice, LOTS))))
      .to.be.revertedWithCustomError(fx.exchange, "NonceUsed")
      .withArgs(replaced.order.nonce, next.order.nonce);
  });

  it("that must rest never takes", async () => {
    const fx = await loadFixture(funded);
    const shy = order(fx, fx.alice, LOTS, { flags: POST_ONLY });
    await expect(fx.exchange.settle(await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), shy)))
      .to.be.revertedWithCustomError(fx.exchange, "PostOnlyTaker")
      .withArgs(await hashOrder(fx.exchange, shy.order));
  });

  it("outside the band, or from an account to itself, is the engine's to refuse", async () => {
    const fx = await loadFixture(funded);
    const far = (PRICE * 106n) / 100n;
    const wild = await matchOf(
      fx.exchange,
      order(fx, fx.maker, -LOTS, { price: far }),
      order(fx, fx.alice, LOTS, { price: far }),
    );
    await expect(fx.exchange.settle(wild))
      .to.be.revertedWithCustomError(fx.engine, "PriceOutsideBand")
      .withArgs(far, (PRICE * 95n) / 100n, (PRICE * 105n) / 100n);

    const self = await matchOf(
      fx.exchange,
      order(fx, fx.alice, -LOTS, { nonce: 1n << 48n }),
      order(fx, fx.alice, LOTS),
    );
    await expect(fx.exchange.settle(self))
      .to.be.revertedWithCustomError(fx.engine, "SameAccount")
      .withArgs(accountOf(fx.alice));
  });
});

describe("a batch", () => {
  it("settles what is good and says why the rest was left out", async () => {
    const fx = await loadFixture(funded);
    const good = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), order(fx, fx.alice, LOTS));
    const poor = order(fx, fx.dave, LOTS); // no money in the account
    const bad = await matchOf(fx.exchange, order(fx, fx.carol, -LOTS), poor);
    const forged = { ...(await matchOf(fx.exchange, order(fx, fx.carol, -LOTS), order(fx, fx.bob, LOTS))) };
    const broken = { ...forged, takerSignature: forged.makerSignature };
    const last = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), order(fx, fx.bob, LOTS));
    const pairs = [good, bad, broken, last];
    expect(await fx.exchange.settleBatch.staticCall(pairs)).to.equal(2n);

    const batch = await step(fx, fx.exchange.connect(fx.keeper).settleBatch(pairs));

    const skipped = await fx.exchange.queryFilter(fx.exchange.filters.MatchSkipped(), batch.blockNumber ?? 0);
    expect(skipped.map(({ args }) => args.index)).to.deep.equal([1n, 2n]);
    const [noMargin, noSignature] = skipped.map(({ args }) => args.reason);
    expect(decoded(fx, noMargin)).to.deep.include({ name: "InitialMarginNotMet" });
    expect(decoded(fx, noMargin).args[0]).to.equal(accountOf(fx.dave));
    expect(decoded(fx, noSignature)).to.deep.include({ name: "BadSignature" });
    expect(decoded(fx, noSignature).args.slice(1)).to.deep.equal([accountOf(fx.bob)]);
    expect(await lotsOf(fx, accountOf(fx.alice))).to.equal(LOTS);
    expect(await lotsOf(fx, accountOf(fx.bob))).to.equal(LOTS);
    expect(await lotsOf(fx, accountOf(fx.maker))).to.equal(-2n * LOTS);
    expect(await lotsOf(fx, accountOf(fx.carol))).to.equal(0n);
    expect(await fx.exchange.remaining(poor.order), "what was undone can still be settled").to.equal(LOTS);
  });

  function decoded({ engine, exchange }: Fixture, reason: BytesLike = ZeroHash) {
    const error = engine.interface.parseError(reason) ?? exchange.interface.parseError(reason);
    if (error === null) throw new Error(`Neither contract knows the error ${reason}`);
    return { name: error.name, args: [...error.args] };
  }
});

describe("a signature", () => {
  /** The pair is good where it was signed, and has the wrong hash `where` it is presented. */
  async function expectRefused(fx: Fixture, where: Exchange, pair: Awaited<ReturnType<typeof matchOf>>) {
    await expect(where.settle(pair))
      .to.be.revertedWithCustomError(where, "BadSignature")
      .withArgs(await where.orderHash(pair.maker), accountOf(fx.maker));
  }

  it("binds to one exchange", async () => {
    const fx = await loadFixture(funded);
    const pair = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), order(fx, fx.alice, LOTS));
    const other = await new Exchange__factory(fx.governor).deploy(fx.engine);
    await expectRefused(fx, other, pair);
    await step(fx, fx.exchange.settle(pair));
  });

  it("binds to one chain", async () => {
    const here = await deployBackstop(await network.create());
    const there = await deployBackstop(await network.create({ override: { chainId: 31_338 } }));
    expect(await there.exchange.getAddress(), "only the chain differs").to.equal(await here.exchange.getAddress());
    const pair = await matchOf(here.exchange, order(here, here.maker, -LOTS), order(here, here.alice, LOTS));
    await expectRefused(there, there.exchange, pair);
    await expect(
      here.exchange.settle(pair),
      "good where it was signed, but for the money",
    ).to.be.revertedWithCustomError(here.engine, "InitialMarginNotMet");
  });

  it("binds to one account, of the same owner too", async () => {
    const fx = await loadFixture(funded);
    const pair = await matchOf(fx.exchange, order(fx, fx.maker, -LOTS), order(fx, fx.alice, LOTS, { expiry: NEVER }));
    const account = accountOf(fx.alice, 1n);
    const moved = { ...pair, taker: { ...pair.taker, account } };
    await expect(fx.exchange.settle(moved))
      .to.be.revertedWithCustomError(fx.exchange, "BadSignature")
      .withArgs(await fx.exchange.orderHash(moved.taker), account);
  });
});
