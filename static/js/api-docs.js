// Starts Swagger UI from a file, so that the page needs no inline script. Nothing is fetched from elsewhere.
addEventListener("DOMContentLoaded", () => {
  "use strict";
  const place = document.getElementById("swagger-ui");
  window.ui = SwaggerUIBundle({
    url: place.dataset.url,
    domNode: place,
    layout: "BaseLayout",
    deepLinking: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
  });
});
