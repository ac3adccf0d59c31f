import "@mantine/core/styles.layer.css";
import "@mantine/notifications/styles.layer.css";
import "./ui/theme.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app";
import { takeSetupCode } from "./app/setup-code";
import { loadConfig } from "./config";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with id root");
takeSetupCode();
void loadConfig().then(() => {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
});
