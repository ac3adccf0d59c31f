import { formatMessage, type MessageValues } from "../domain/message";

export type Text<Key extends string> = (key: Key, values?: MessageValues) => string;

/** The texts of an area: ICU messages by key. `t("key", {n: 2})` is the sentence; an unknown key fails the type check. */
export function catalogue<const Messages extends Record<string, string>>(
  messages: Messages,
): Text<Extract<keyof Messages, string>> {
  return (key, values) => formatMessage(messages[key] as string, values);
}
