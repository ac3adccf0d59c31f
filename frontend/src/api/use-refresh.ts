import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { FeedMessage } from "./feed";
import { useFeedMessages } from "./live";

const EVERY_MS = 1500;

/** Loads `queryKey` again when the feed tells of something that changes it, at most every 1.5 s: for lists and details that the feed does not carry whole. */
export function useRefreshOn(
  types: readonly string[],
  queryKey: QueryKey,
  isAbout: (data: FeedMessage["data"]) => boolean,
): void {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  useFeedMessages(types, ({ data }) => {
    if (!isAbout(data)) return;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ queryKey });
    }, EVERY_MS);
  });
}
