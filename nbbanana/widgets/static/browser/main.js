// What a notebook loads of the history browser: its front end, shown by itself.

import { renderBrowser } from "./view.js";

export default { render: renderBrowser };
