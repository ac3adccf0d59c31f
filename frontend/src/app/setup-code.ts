/** The setup link is /#/setup?code=…: what stands after # never reaches a server or its logs. It is read once, and taken out of the address. */
let code: string | null = null;

export function takeSetupCode(): void {
  const match = /^#\/setup(?:\?(.*))?$/.exec(location.hash);
  if (!match) return;
  code = new URLSearchParams(match[1] ?? "").get("code");
  history.replaceState(null, "", "/setup");
}

export function getSetupCode(): string | null {
  return code;
}
