namespace Sendcat.ApiService.Http;

/// <summary>A request body of which every field is optional: a request without a body counts as one without fields.</summary>
internal interface IOptionalBody;
