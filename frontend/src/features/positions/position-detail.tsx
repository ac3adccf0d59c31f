import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { positionsQuery } from "../../api/queries";
import type { Order, Position } from "../../api/types";
import { type AccountLine, accountOf } from "../../domain/accounting";
import { formatUsd, humanise } from "../../domain/format";
import { riskInR } from "../../domain/position";
import { positionsText as t } from "../../texts/positions";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { Fact } from "../../ui/fact";
import { Panel } from "../../ui/panel";
import { Duration, Time } from "../../ui/time";
import { Count, Plain, Price, Quantity, RMultiple, Usd, Value } from "../../ui/value";
import { SideBadge } from "../../ui/columns";
import { ProtectedMark } from "./parts";
import { PositionBody } from "./position-card";
import css from "./positions.module.css";
import { PriceBar } from "./price-bar";

/** The newest state of a position: of the feed while it is open, else as loaded. */
export function useFreshPosition(loaded: Position | undefined): Position | undefined {
  const { data } = useQuery(positionsQuery);
  return data?.find((row) => row.position_id === loaded?.position_id) ?? loaded;
}

/** Result and orders: what can be done with it while it is open, how it ended afterwards. */
export function PositionPanel({ position }: { position: Position }) {
  return (
    <Panel title={t("detail.position")} note={position.position_id}>
      <div className="stack">
        <div className="row">
          <SideBadge side={position.side} />
          <Badge>{humanise(position.state)}</Badge>
          <span className="small text-3">
            {position.strategy} · {position.mode}
          </span>
        </div>
        {position.state === "closed" ? (
          <>
            <div className={css.result}>
              <span className={css.figure}>
                <RMultiple value={position.pnl_r} arrow reason={t("unknown.r")} />
              </span>
              <span className={css.figure}>
                <Usd value={position.pnl_usd} signed reason={t("unknown.result")} />
              </span>
              <span className={css.end}>
                {t("detail.exit")}: <strong>{humanise(position.exit_reason ?? "")}</strong>
              </span>
            </div>
            <PriceBar position={position} hasLabels />
          </>
        ) : (
          <PositionBody position={position} />
        )}
      </div>
    </Panel>
  );
}

export function PositionFacts({ position }: { position: Position }) {
  return (
    <Panel title={t("detail.facts")}>
      <dl className={css.facts}>
        <Fact name={t("column.entry")}>
          <Price symbol={position.symbol} value={position.entry} />
        </Fact>
        <Fact name={t("column.stop")}>
          <Price symbol={position.symbol} value={position.stop} />
        </Fact>
        <Fact name={t("detail.qty")}>
          <Quantity symbol={position.symbol} value={position.qty} />{" "}
          <span className="small text-3">{t("detail.qtyInitial", { qty: position.qty_initial.toLocaleString("en-US") })}</span>
        </Fact>
        <Fact name={t("detail.r")}>
          <Usd value={position.r_usd} /> USD
        </Fact>
        <Fact name={t("detail.distance")}>
          <Price symbol={position.symbol} value={position.r_distance} />
        </Fact>
        <Fact name={t("detail.priceR")}>
          <RMultiple value={position.price_r} reason={t("unknown.mark")} />
        </Fact>
        <Fact name={t("detail.mfe")}>
          <RMultiple value={position.mfe_r} />
        </Fact>
        <Fact name={t("detail.mae")}>
          <RMultiple value={position.mae_r} />
        </Fact>
        <Fact name={t("detail.bars")}>
          <Count value={position.bars_held} />
        </Fact>
        <Fact name={t("detail.held")}>
          <Duration ms={position.hold_ms} />
        </Fact>
        <Fact name={t("column.notional")}>
          <Usd value={position.notional_usd} reason={t("unknown.notional")} />
        </Fact>
        <Fact name={t("detail.margin")}>
          <Usd value={position.margin_usd} />
        </Fact>
        <Fact name={t("column.leverage")}>
          <Plain value={position.leverage} digits={1} reason={t("unknown.leverage")} />
        </Fact>
        <Fact name={t("detail.liquidation")}>
          <Price symbol={position.symbol} value={position.liquidation_price} reason={t("detail.noLiquidation")} />
        </Fact>
        <Fact name={t("column.correlation")}>
          <Plain value={position.btc_correlation} reason={t("unknown.correlation")} />
        </Fact>
        <Fact name={t("detail.level")}>
          <Price symbol={position.symbol} value={position.level_price} reason={t("detail.noLevel")} />
        </Fact>
        <Fact name={t("detail.addOn")}>
          <Quantity
            symbol={position.symbol}
            value={position.add_on.used ? position.add_on.qty : null}
            reason={t("detail.noAddOn")}
          />
        </Fact>
        <Fact name={t("detail.management")}>{position.management}</Fact>
        <Fact name={t("column.protected")}>
          <ProtectedMark position={position} />
        </Fact>
        <Fact name={t("detail.preset")}>
          <Link to="/presets/$name" params={{ name: position.preset }}>
            {position.preset}
          </Link>
        </Fact>
        <Fact name={t("column.age")}>
          <Time at={position.opened_at} />
        </Fact>
        <Fact name={t("detail.entryDone")}>
          <Time at={position.entry_completed_at} reason={t("detail.entryNotDone")} />
        </Fact>
        <Fact name={t("detail.exit")}>
          <Value reason={t("detail.open")}>{position.exit_reason === null ? null : humanise(position.exit_reason)}</Value>
          {position.exit_detail !== null && <span className="small text-3"> {position.exit_detail}</span>}
        </Fact>
        <Fact name={t("detail.trace")}>
          <Link to="/decisions" search={{ trace: position.trace_id } as never}>
            {position.trace_id}
          </Link>
        </Fact>
      </dl>
    </Panel>
  );
}

function lineName(line: AccountLine): string {
  return line.kind === "exit"
    ? t("account.exit", { purpose: humanise(line.purpose ?? ""), name: line.name ?? "" })
    : t(`account.${line.kind}`);
}

/** Every part of the result in USD and in R, adding up to the engine's total. */
export function PositionAccount({ position, orders }: { position: Position; orders: readonly Order[] }) {
  const lines = accountOf(position, orders);
  return (
    <Panel title={t("account.title")} note={t("account.note", { usd: formatUsd(position.r_usd) })} isFlush>
      <div className={css.scroll} tabIndex={0} role="group" aria-label={t("account.title")}>
        <table className={css.account} aria-label={t("account.title")}>
          <thead>
            <tr>
              <th scope="col">{t("account.line")}</th>
              <th scope="col">{t("account.qty")}</th>
              <th scope="col">{t("account.price")}</th>
              <th scope="col">{t("account.usd")}</th>
              <th scope="col">{t("account.r")}</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <tr key={line.id} className={line.kind === "total" ? css.total : undefined}>
                <th scope="row">{lineName(line)}</th>
                <td>{line.qty !== undefined && <Quantity symbol={position.symbol} value={line.qty} />}</td>
                <td>
                  {line.price !== undefined && <Price symbol={position.symbol} value={line.price} reason={t("unknown.mark")} />}
                </td>
                <td>
                  <Usd value={line.usd} signed reason={t("unknown.result")} />
                </td>
                <td>
                  <RMultiple value={line.r} reason={t("unknown.r")} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

interface StopChange {
  ts: number;
  old: number;
  new: number;
  rule: string;
}

export function StopHistory({ position, moves }: { position: Position; moves: readonly StopChange[] }) {
  const columns: readonly Column<StopChange>[] = [
    { id: "ts", header: t("stops.time"), cell: (row) => <Time at={row.ts} />, sort: (row) => row.ts, isTitle: true },
    { id: "old", header: t("stops.old"), cell: (row) => <Price symbol={position.symbol} value={row.old} />, align: "end" },
    { id: "new", header: t("stops.new"), cell: (row) => <Price symbol={position.symbol} value={row.new} />, align: "end" },
    { id: "rule", header: t("stops.rule"), cell: (row) => humanise(row.rule), sort: (row) => row.rule },
    {
      id: "risk",
      header: t("stops.risk"),
      cell: (row) => {
        const r = position.qty > 0 ? riskInR(position, row.new) : null;
        return <RMultiple value={r === null ? null : -r} reason={t("unknown.r")} />;
      },
      align: "end",
    },
  ];
  return (
    <Panel
      title={t("stops.title")}
      note={moves.length}
      isFlush
      query={{ data: moves, error: null, isPending: false, dataUpdatedAt: 0, refetch: () => undefined }}
      empty={(rows) => (rows.length > 0 ? null : { text: t("stops.none", { price: String(position.stop_initial) }) })}
    >
      {(rows) => (
        <DataTable
          id="positions.stops"
          label={t("stops.title")}
          rows={rows}
          columns={columns}
          rowKey={(row) => `${row.ts}-${row.new}`}
          defaultSort="-ts"
          maxHeight={280}
        />
      )}
    </Panel>
  );
}
