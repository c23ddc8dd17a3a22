using Sendcat.Monitor.Chat;

namespace Sendcat.Monitor.WebConsole;

/// <summary>A refusal in the form of the API: the text for people as body, the code in a header.</summary>
internal static class Refusal
{
    public static IResult Of(int status, string code, string text) => new Coded(code, Results.Text(text, statusCode: status));

    public static IResult SignedOut() => Of(StatusCodes.Status401Unauthorized, "signed_out", "Sign in");

    public static IResult ApiIsAway() =>
        Of(StatusCodes.Status503ServiceUnavailable, "api_unavailable", "No API address responds");

    private sealed class Coded(string code, IResult inner) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers[Wire.ErrorCodeHeader] = code;
            return inner.ExecuteAsync(httpContext);
        }
    }
}
