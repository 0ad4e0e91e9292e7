var o=new URL(".",location.href),e=new URL("__mock__/api/",o);function n(t){return new URL(t,o)}console.log(n("openapi.yaml"));
