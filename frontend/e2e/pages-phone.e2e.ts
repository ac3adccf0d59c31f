import { checkPages } from "./check-pages";

checkPages("phone");
