"use strict";
SwaggerUIBundle({
	url: "openapi.json",
	dom_id: "#docs",
	deepLinking: true,
	tryItOutEnabled: true,
	validatorUrl: null, // no other host is asked
	presets: [SwaggerUIBundle.presets.apis],
});
