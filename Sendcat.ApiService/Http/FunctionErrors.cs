namespace Sendcat.ApiService.Http;

/// <summary>
/// Marks endpoints that callers see as functions. Every error text of such an endpoint is <c>[code:function] message</c>, also when
/// middleware rejects the request. The function is the endpoint's name, such as <c>threads.get</c>.
/// </summary>
internal sealed class FunctionErrors
{
    private static readonly FunctionErrors Marker = new();

    private FunctionErrors()
    {
    }

    /// <summary>A route group whose endpoints are marked as functions.</summary>
    public static RouteGroupBuilder Group(IEndpointRouteBuilder app) => app.MapGroup("").WithMetadata(Marker);

    public static string Text(ApiError error, HttpContext http) =>
        http.GetEndpoint()?.Metadata is { } metadata
        && metadata.GetMetadata<FunctionErrors>() is not null
        && metadata.GetMetadata<IEndpointNameMetadata>() is { } function
            ? $"[{CodeOf(error)}:{function.EndpointName}] {error.Message}"
            : error.Message;

    /// <summary>Functions have one code for all invalid arguments.</summary>
    private static string CodeOf(ApiError error) =>
        error.Code is "invalid_request" or "invalid_json" ? "invalid_function_args" : error.Code;
}
