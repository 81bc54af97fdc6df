const { Router } = require("express");

const router = Router();

router.post("/session", (request, response) => {
  response.json({ id: `${process.env.STRIPE_SECRET_KEY}`.length });
});

module.exports = router;
