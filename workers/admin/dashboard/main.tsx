/** The dashboard's entry: a static page that is a client of the admin API and of nothing else. */
import { render } from "preact";
import { App } from "./app.tsx";
import "./styles.css";

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
