// What a notebook loads of a region: its front end, shown by itself.

import { renderRegion } from "./view.js";

export default { render: renderRegion };
