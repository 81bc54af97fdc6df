const express = require("express");
const billing = require("./routes/billing");
const songRoutes = require("./routes/songs");

const app = express();
app.use(express.json());
app.use("/api/billing", billing);
app.use("/api/songs", songRoutes);
app.listen(process.env.PORT || 3000);
