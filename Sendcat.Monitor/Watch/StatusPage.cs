using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Sendcat.Monitor.Watch;

/// <summary>The page of the operator console. It reloads itself every 5 s.</summary>
internal static class StatusPage
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static string Render(ConsoleStatus status) => $$"""
        <!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5"><meta name="viewport" content="width=device-width"><title>Sendcat: {{status.State}}</title>
        <style>
          body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c2126; background: #fbfbfa }
          section { border: 1px solid #e0e3e5; border-radius: 8px; padding: 1rem 1.2rem; margin: 1rem 0 } h2 { font-size: 1.05rem; margin: 0 0 .4rem } p { margin: .3rem 0 }
          .badge { border-radius: 99px; padding: .1rem .7rem; font-size: .85rem; color: #fff; margin-left: .5rem } .up { background: #1a7f4b } .degraded { background: #b7791f } .down { background: #c0392b } .unknown { background: #7a858e }
          .strip { display: flex; gap: 2px; height: 1.6rem; margin: .7rem 0 } .strip i { flex: 1; max-width: 8px; border-radius: 2px } pre { overflow: auto; font-size: .8rem } footer { color: #7a858e }
          @media (prefers-color-scheme: dark) { body { background: #15181b; color: #dde2e6 } section { border-color: #31373c } }
        </style>
        <h1>Sendcat <span class="badge {{status.State}}">{{status.State}}</span></h1>
        {{Sections(status)}}
        <footer>{{status.At.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}} UTC · the same as JSON: <a href="/api/status">/api/status</a></footer>
        </html>
        """;

    private static string Sections(ConsoleStatus status)
    {
        if (status.Apis.Count == 0)
        {
            return "<section><p>No API address has been probed yet.</p></section>";
        }

        var html = new StringBuilder();
        foreach (var api in status.Apis)
        {
            var latest = api.Latest;
            html.Append(
                CultureInfo.InvariantCulture,
                $"""
                <section><h2>{Encode(api.Address.AbsoluteUri)} <span class="badge {latest.State}">{latest.State}</span></h2>
                <p>{Encode(latest.Problem ?? "Healthy; chats can be started.")} Answered in {latest.LatencyMs:0} ms{(latest.Mode is null ? "" : $", gateway mode {Encode(latest.Mode)}")}. Up in {api.UpShare * 100:0} % of the last {api.History.Count} probes.</p>
                <div class="strip">{string.Concat(api.History.Select(Cell))}</div>
                """);
            if (latest.Chat is { } chat)
            {
                html.Append("<details><summary>Chat health</summary><pre>").Append(Encode(JsonSerializer.Serialize(chat, Indented))).Append("</pre></details>");
            }

            html.Append("</section>");
        }

        return html.ToString();
    }

    private static string Cell(ProbeSummary probe) =>
        string.Create(CultureInfo.InvariantCulture, $"""<i class="{probe.State}" title="{probe.At:HH:mm:ss} {Encode(probe.Problem ?? probe.State)}, {probe.LatencyMs:0} ms"></i>""");

    private static string Encode(string text) => WebUtility.HtmlEncode(text);
}
