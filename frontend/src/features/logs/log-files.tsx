import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, unwrap } from "../../api/client";
import { useRole } from "../../api/session";
import { formatBytes, formatNumber } from "../../domain/format";
import { toApiError } from "../../domain/problem";
import { logsText as t } from "../../texts/logs";
import { uiText } from "../../texts/ui";
import { Badge } from "../../ui/badge";
import { ConfirmDialog } from "../../ui/confirm-dialog";
import { type Column, DataTable } from "../../ui/data-table";
import { Panel } from "../../ui/panel";
import { Time } from "../../ui/time";
import { toastDone } from "../../ui/toast";
import { type LogFile, logStatsQuery } from "./queries";

const MB = 1e6;

const columns: Column<LogFile>[] = [
  {
    id: "name",
    header: t("files.name"),
    cell: (file) => (
      <span className="row-tight">
        {file.name} {file.compressed && <Badge>{t("files.compressed")}</Badge>}
      </span>
    ),
    sort: (file) => file.name,
  },
  {
    id: "size",
    header: t("files.size"),
    align: "end",
    cell: (file) => formatBytes(file.size_mb * MB),
    sort: (file) => file.size_mb,
  },
  { id: "changed", header: t("files.changed"), cell: (file) => <Time at={file.modified_at} />, sort: (file) => file.modified_at },
];

async function cleanup(isTrial: boolean) {
  return unwrap(api().POST("/api/logs/cleanup", { body: { dry_run: isTrial } }));
}

/** The files of the log and their cleanup, which says what it would do before it does it. */
export function LogFiles() {
  const query = useQuery(logStatsQuery);
  const client = useQueryClient();
  const role = useRole();
  const [isAsking, setAsking] = useState(false);
  const trial = useMutation({ mutationFn: () => cleanup(true) });
  const act = useMutation({
    mutationFn: () => cleanup(false),
    onSuccess: (done) => {
      setAsking(false);
      toastDone(t("files.done", { removed: done.removed.length, freed: formatNumber(done.freed_mb) }), t("files.cleanup"));
      void client.invalidateQueries({ queryKey: logStatsQuery.queryKey });
    },
  });
  const ask = (): void => {
    act.reset();
    trial.mutate();
    setAsking(true);
  };
  const isForbidden = role !== "admin";
  const failure = act.error ?? trial.error;
  return (
    <Panel
      title={t("files.title")}
      query={query}
      isFlush
      note={query.data && t("files.note", { n: query.data.total_files, size: formatBytes(query.data.total_size_mb * MB) })}
      actions={
        <Button
          variant="default"
          disabled={isForbidden}
          title={isForbidden ? uiText("panel.forbidden", { role: "admin" }) : t("files.cleanupTitle")}
          onClick={ask}
        >
          {t("files.cleanup")}
        </Button>
      }
    >
      {(data) => (
        <>
          <DataTable
            id="logs.files"
            label={t("files.title")}
            rows={data.files}
            columns={columns}
            rowKey={(file) => file.name}
            hasFilter={false}
            hasColumnChoice={false}
            maxHeight={260}
          />
          <ConfirmDialog
            isOpen={isAsking}
            title={t("files.cleanupTitle")}
            form={{ kind: "plain" }}
            effect={
              trial.data
                ? [
                    t("files.preview", {
                      removed: trial.data.removed.length,
                      compressed: trial.data.compressed.length,
                      freed: formatNumber(trial.data.freed_mb),
                    }),
                  ]
                : []
            }
            confirmLabel={t("files.cleanup")}
            isPending={trial.isPending || act.isPending}
            error={failure === null ? null : toApiError(failure)}
            onConfirm={() => act.mutate()}
            onClose={() => setAsking(false)}
          />
        </>
      )}
    </Panel>
  );
}
