import { checkPages } from "./check-pages";

checkPages("desktop");
