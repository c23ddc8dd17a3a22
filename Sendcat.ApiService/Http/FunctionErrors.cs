namespace Sendcat.ApiService.Http;

/// <summary>
/// Marks endpoints that are functions to their callers. Whatever goes wrong in one, also before or below its own lines, is told as <c>[code:function] message</c>; the function is the
/// endpoint's name, such as <c>threads.get</c>.
/// </summary>
internal sealed class FunctionErrors
{
    private static readonly FunctionErrors Mark = new();

    private FunctionErrors()
    {
    }

    /// <summary>Where functions are mapped.</summary>
    public static RouteGroupBuilder Group(IEndpointRouteBuilder app) => app.MapGroup("").WithMetadata(Mark);

    public static string Text(ApiError error, HttpContext http) =>
        http.GetEndpoint()?.Metadata is { } metadata && metadata.GetMetadata<FunctionErrors>() is not null && metadata.GetMetadata<IEndpointNameMetadata>() is { } function
            ? $"[{CodeOf(error)}:{function.EndpointName}] {error.Message}"
            : error.Message;

    /// <summary>Functions have one code for arguments that they do not take.</summary>
    private static string CodeOf(ApiError error) => error.Code is "invalid_request" or "invalid_json" ? "invalid_function_args" : error.Code;
}
