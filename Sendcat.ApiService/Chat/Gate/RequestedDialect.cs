using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>The dialect that a request selects with <c>?stream=sendcat</c> or <c>?stream=ui</c>.</summary>
internal static class RequestedDialect
{
    private const string Parameter = "stream";

    /// <returns>True for the AI SDK's dialect, false for Sendcat's; null when the query names none.</returns>
    public static bool? UsesUi(HttpContext http) => Text(http) switch
    {
        "ui" => true,
        "sendcat" => false,
        _ => null,
    };

    /// <returns>400 for another value; null if the request may go on.</returns>
    public static ApiError? Check(HttpContext http) =>
        string.IsNullOrEmpty(Text(http)) || UsesUi(http) is not null
            ? null
            : ApiError.InvalidRequest("Invalid request: stream must be sendcat or ui");

    private static string? Text(HttpContext http) => http.Request.Query[Parameter];
}
