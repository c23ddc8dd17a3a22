using System.Net;
using System.Text;

namespace Sendcat.UpstreamEmulator.Google;

/// <summary>The page on which a person chooses the Google account, in a local run.</summary>
internal static class AccountPage
{
    private static readonly string[] Suggestions = ["ann@gmail.com", "ben@gmail.com", "carol@example.com"];

    /// <param name="path">The address that gets all parameters again, with the chosen account.</param>
    /// <param name="query">The parameters of the request.</param>
    public static string Choose(string path, IQueryCollection query)
    {
        var parameters = new StringBuilder();
        foreach (var (name, values) in query)
        {
            parameters.Append($"""<input type="hidden" name="{Encode(name)}" value="{Encode(values.ToString())}">""");
        }

        var suggestions = string.Concat(Suggestions.Select(account => $"""<button name="account" value="{account}">{account}</button>"""));
        return Page($"""
            <h1>Choose an account</h1>
            <p>This is the emulated Google of a local run. Any address signs in.</p>
            <form action="{path}" method="get">{parameters}{suggestions}</form>
            <form action="{path}" method="get">{parameters}
              <label>Another address <input name="account" type="text" required value="{Encode(query["login_hint"].ToString())}"></label><button>Continue</button>
            </form>
            <form action="{path}" method="get">{parameters}<button name="deny" value="1">Cancel</button></form>
            """);
    }

    public static string Error(string problem) => Page($"<h1>Error 400</h1><p>{Encode(problem)}</p>");

    private static string Page(string body) => $$"""
        <!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in - emulated Google</title>
        <style>
          body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 26rem; padding: 0 1rem; color: #1c2126 }
          form { margin: 1rem 0 } button, input[type=text] { font: inherit; padding: .5rem .8rem; margin: .2rem 0; width: 100%; box-sizing: border-box }
          @media (prefers-color-scheme: dark) { body { background: #15181b; color: #dde2e6 } }
        </style>
        {{body}}
        </html>
        """;

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
