// The contract's operations, drawn by a renderer that is kept beside this page (vendor/).

import { document as documentAt } from "./address";

console.log(documentAt("openapi.yaml"));
