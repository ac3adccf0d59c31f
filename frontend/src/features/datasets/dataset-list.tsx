import { Button, Checkbox, FileInput, Modal, Select, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download, FolderInput } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { api, fetchApi, unwrap } from "../../api/client";
import { type Dataset, datasetsQuery } from "../../api/datasets";
import { useFeedTopics } from "../../api/live";
import { hasRole, useRole } from "../../api/session";
import { useRefreshOn } from "../../api/use-refresh";
import { CommandButton } from "../../commands/host";
import { deleteDataset } from "../../commands/runs";
import { formatBytes, formatDay, formatNumber, shortSymbol } from "../../domain/format";
import { type ApiError, toApiError } from "../../domain/problem";
import { backtestsText as t } from "../../texts/backtests";
import { Badge } from "../../ui/badge";
import { type Column, DataTable } from "../../ui/data-table";
import { ErrorNote, Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { toastDone } from "../../ui/toast";
import { Count, Percent, Plain, Value } from "../../ui/value";
import { WhyButton } from "../../ui/why-button";
import css from "./datasets.module.css";

type SymbolQuality = NonNullable<Dataset["quality"]>["symbols"][number];

const FORMATS = ["auto", "csv", "binance-klines", "bybit-trades", "ohlcv-json", "jsonl", "l2"] as const;
const MESSAGES = ["BACKTEST_DONE"];

function Quality({ dataset }: { dataset: Dataset }) {
  const { quality } = dataset;
  if (quality == null) return <Value reason={dataset.error ?? t("datasets.notMeasured")}>{null}</Value>;
  return (
    <span className="row-tight">
      <Plain value={quality.score} digits={0} />
      <Badge tone={quality.is_usable ? "up" : "warn"}>{t(quality.is_usable ? "datasets.usable" : "datasets.holes")}</Badge>
    </span>
  );
}

function makeColumns(onDeleted: () => void): Column<Dataset>[] {
  return [
    {
      id: "name",
      header: t("datasets.name"),
      cell: (row) => (
        <span className="row-tight">
          <strong>{row.name}</strong>
          {row.built_in && <Badge>{t("datasets.builtIn")}</Badge>}
        </span>
      ),
      sort: (row) => row.name,
      isTitle: true,
    },
    {
      id: "status",
      header: t("datasets.status"),
      cell: (row) => (
        <Badge tone={row.status === "ready" ? "up" : row.status === "failed" ? "down" : "neutral"} title={row.error ?? undefined}>
          {t(`datasets.status.${row.status}`)}
        </Badge>
      ),
      sort: (row) => row.status,
    },
    {
      id: "quality",
      header: t("datasets.quality"),
      cell: (row) => <Quality dataset={row} />,
      sort: (row) => row.quality?.score,
    },
    {
      id: "symbols",
      header: t("datasets.symbols"),
      align: "end",
      cell: (row) => <Count value={row.symbols.length} />,
      sort: (row) => row.symbols.length,
    },
    {
      id: "range",
      header: t("datasets.range"),
      cell: (row) => (
        <Value reason={t("datasets.notMeasured")}>
          {row.from == null ? null : (
            <span className="nowrap">
              {formatDay(row.from)} – {formatDay(row.to)}
            </span>
          )}
        </Value>
      ),
      sort: (row) => row.from,
    },
    {
      id: "rows",
      header: t("datasets.rows"),
      align: "end",
      cell: (row) => <Count value={row.rows} reason={t("datasets.notMeasured")} />,
      sort: (row) => row.rows,
    },
    {
      id: "size",
      header: t("datasets.size"),
      align: "end",
      cell: (row) => formatBytes(row.bytes),
      sort: (row) => row.bytes,
    },
    { id: "has", header: t("datasets.has"), cell: (row) => <span className="text-2">{row.capabilities.join(", ")}</span> },
    {
      id: "actions",
      header: t("column.actions"),
      cell: (row) => (
        // The row opens the quality; its buttons do not.
        // eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events
        <span className="row-tight" onClick={(event) => event.stopPropagation()}>
          {row.status === "ready" && (
            <Button component={Link} to="/backtests/new" search={{ dataset: row.dataset_id } as never} variant="subtle">
              {t("datasets.backtest")}
            </Button>
          )}
          {!row.built_in && (
            <CommandButton command={deleteDataset} args={{ dataset: row, onDone: onDeleted }} variant="subtle" hasIcon={false} />
          )}
        </span>
      ),
    },
  ];
}

const qualityColumns: Column<SymbolQuality>[] = [
  {
    id: "symbol",
    header: t("datasets.symbol"),
    cell: (row) => shortSymbol(row.symbol),
    sort: (row) => row.symbol,
    isTitle: true,
  },
  {
    id: "score",
    header: t("datasets.score"),
    align: "end",
    cell: (row) => <Plain value={row.score} digits={1} />,
    sort: (row) => row.score,
  },
  {
    id: "complete",
    header: t("datasets.completeness"),
    align: "end",
    cell: (row) => <Percent value={row.completeness} of="fraction" />,
    sort: (row) => row.completeness,
  },
  {
    id: "present",
    header: t("datasets.rows"),
    align: "end",
    cell: (row) => <Count value={row.present} />,
    sort: (row) => row.present,
  },
  {
    id: "missing",
    header: t("datasets.missing"),
    align: "end",
    cell: (row) => <Count value={row.missing} />,
    sort: (row) => row.missing,
  },
  {
    id: "holes",
    header: t("datasets.holesCount"),
    align: "end",
    cell: (row) => <Count value={row.holes} />,
    sort: (row) => row.holes,
  },
  {
    id: "longest",
    header: t("datasets.longest"),
    align: "end",
    cell: (row) => <Count value={row.longest_hole} />,
    sort: (row) => row.longest_hole,
  },
  {
    id: "duplicates",
    header: t("datasets.duplicates"),
    align: "end",
    cell: (row) => <Count value={row.duplicates} />,
    sort: (row) => row.duplicates,
  },
  {
    id: "invalid",
    header: t("datasets.invalid"),
    align: "end",
    cell: (row) => <Count value={row.invalid} />,
    sort: (row) => row.invalid,
  },
  {
    id: "jumps",
    header: t("datasets.jumps"),
    align: "end",
    cell: (row) => <Count value={row.jumps} />,
    sort: (row) => row.jumps,
  },
  {
    id: "first",
    header: t("datasets.range"),
    cell: (row) => <Time at={row.first_ts === 0 ? null : row.first_ts} />,
    sort: (row) => row.first_ts,
  },
];

function QualityDialog({ dataset, onClose }: { dataset: Dataset | undefined; onClose: () => void }) {
  const quality = dataset?.quality;
  return (
    <Modal
      opened={dataset !== undefined}
      onClose={onClose}
      size="xl"
      title={t("datasets.detail", { name: dataset?.name ?? "" })}
      closeButtonProps={{ "aria-label": t("datasets.close") }}
    >
      {dataset?.error != null && <p className="tone-down">{dataset.error}</p>}
      {quality == null ? (
        <p className="text-2">{t("datasets.notMeasured")}</p>
      ) : (
        <DataTable
          id="datasets.quality"
          label={t("datasets.quality")}
          rows={quality.symbols}
          columns={qualityColumns}
          rowKey={(row) => row.symbol}
          maxHeight={480}
        />
      )}
    </Modal>
  );
}

interface ImportWords {
  file: File | null;
  path: string;
  name: string;
  format: (typeof FORMATS)[number];
  symbol: string;
  allowBad: boolean;
}

/** A file of this computer is sent; one of the server is named. */
async function startImport({ file, path, name, format, symbol, allowBad }: ImportWords): Promise<{ run_id: string }> {
  if (!file)
    return unwrap(
      api().POST("/api/datasets/import", {
        body: {
          path,
          name,
          format,
          ...(symbol === "" ? {} : { symbol }),
          ...(allowBad ? { allow_bad_data: true } : {}),
        },
      }),
    );
  const form = new FormData();
  form.set("name", name);
  form.set("format", format);
  if (symbol !== "") form.set("symbol", symbol);
  if (allowBad) form.set("allow_bad_data", "true");
  form.set("file", file);
  const reply = await fetchApi("/api/datasets/import", { method: "POST", body: form });
  return (await reply.json()) as { run_id: string };
}

/** A name for the data set that the server takes: that of the file without its ending. */
function nameOf(file: File): string {
  return file.name
    .replace(/\.[^.]*$/, "")
    .replace(/[^\w.-]+/g, "-")
    .slice(0, 64);
}

/** Takes a file by choice or by dropping it. */
function FileField({
  file,
  error,
  onFile,
}: {
  file: File | null;
  error: string | undefined;
  onFile: (file: File | null) => void;
}) {
  const [isOver, setOver] = useState(false);
  return (
    <div
      className={`${css.drop} ${isOver ? css.over : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onFile(event.dataTransfer.files[0] ?? null);
      }}
    >
      <FileInput
        label={t("import.file")}
        description={t("import.fileHint")}
        placeholder={t("import.fileNone")}
        value={file}
        error={error}
        onChange={onFile}
        clearable
        clearButtonProps={{ "aria-label": t("import.fileClear") }}
        data-autofocus
      />
    </div>
  );
}

function ImportDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const empty: ImportWords = { file: null, path: "", name: "", format: "auto", symbol: "", allowBad: false };
  const [words, setWords] = useState(empty);
  const [error, setError] = useState<ApiError | null>(null);
  const [isPending, setPending] = useState(false);
  const fieldError = (path: string): string | undefined => error?.fields.find((field) => field.path === path)?.message;
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    setPending(true);
    setError(null);
    try {
      const run = await startImport(words);
      toastDone(t("import.started", { id: run.run_id }));
      setWords(empty);
      onClose();
      await client.invalidateQueries({ queryKey: datasetsQuery.queryKey });
    } catch (thrown) {
      setError(toApiError(thrown));
    } finally {
      setPending(false);
    }
  };
  return (
    <Modal opened={isOpen} onClose={onClose} title={t("import.title")} closeButtonProps={{ "aria-label": t("datasets.close") }}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <FileField
          file={words.file}
          error={fieldError("file")}
          onFile={(file) => setWords({ ...words, file, name: words.name === "" && file ? nameOf(file) : words.name })}
        />
        <TextInput
          label={t("import.path")}
          value={words.path}
          error={fieldError("path")}
          disabled={words.file !== null}
          onChange={(event) => setWords({ ...words, path: event.currentTarget.value })}
        />
        <TextInput
          label={t("import.name")}
          description={t("import.nameHint")}
          value={words.name}
          error={fieldError("name")}
          onChange={(event) => setWords({ ...words, name: event.currentTarget.value })}
        />
        <Select
          label={t("import.format")}
          data={[...FORMATS]}
          value={words.format}
          onChange={(next) => setWords({ ...words, format: FORMATS.find((word) => word === next) ?? "auto" })}
        />
        <TextInput
          label={t("import.symbol")}
          description={t("import.symbolHint")}
          value={words.symbol}
          error={fieldError("symbol")}
          onChange={(event) => setWords({ ...words, symbol: event.currentTarget.value })}
        />
        <Checkbox
          label={t("import.allowBad")}
          checked={words.allowBad}
          onChange={(event) => setWords({ ...words, allowBad: event.currentTarget.checked })}
        />
        {error && <ErrorNote name={t("import.label")} error={error} />}
        <Button type="submit" disabled={(words.file === null && words.path === "") || words.name === ""} loading={isPending}>
          {t("import.start")}
        </Button>
      </form>
    </Modal>
  );
}

/** Recorded markets that backtests play: what they hold, and how far they can be trusted. */
export function DatasetList() {
  useFeedTopics(["backtests"]);
  useRefreshOn(MESSAGES, datasetsQuery.queryKey, (data) => data["kind"] === "import");
  const query = useQuery(datasetsQuery);
  const client = useQueryClient();
  const role = useRole();
  const [open, setOpen] = useState<string | null>(null);
  const [isImporting, setImporting] = useState(false);
  const columns = makeColumns(() => void client.invalidateQueries({ queryKey: datasetsQuery.queryKey }));
  const importButton = (
    <WhyButton
      why={hasRole(role, "operator") ? null : t("form.why")}
      leftSection={<FolderInput size={14} aria-hidden />}
      onClick={() => setImporting(true)}
    >
      {t("import.label")}
    </WhyButton>
  );
  return (
    <>
      <Panel
        title={t("datasets.title")}
        query={query}
        isFlush
        empty={(rows) => (rows.length === 0 ? { text: t("datasets.empty"), action: importButton } : null)}
        note={query.data && formatNumber(query.data.length, 0)}
        actions={
          <>
            <WhyButton
              variant="default"
              why={t("datasets.noDownload")}
              leftSection={<Download size={14} aria-hidden />}
              onClick={() => undefined}
            >
              {t("datasets.download")}
            </WhyButton>
            {importButton}
          </>
        }
      >
        {(rows) => (
          <>
            <DataTable
              id="datasets.list"
              label={t("datasets.title")}
              rows={rows}
              columns={columns}
              rowKey={(row) => row.dataset_id}
              rowLabel={(row) => row.name}
              onOpen={(row) => setOpen(row.dataset_id)}
              hasColumnChoice
            />
            <QualityDialog dataset={rows.find((row) => row.dataset_id === open)} onClose={() => setOpen(null)} />
          </>
        )}
      </Panel>
      <ImportDialog isOpen={isImporting} onClose={() => setImporting(false)} />
    </>
  );
}
