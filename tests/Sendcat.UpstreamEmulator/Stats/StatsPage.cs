using System.Globalization;
using System.Net;
using System.Text;

namespace Sendcat.UpstreamEmulator.Stats;

/// <summary>Renders the statistics as an HTML page that reloads itself every two seconds.</summary>
internal static class StatsPage
{
    public static string Render(StatsSnapshot snapshot, EmulatorApp.Listeners listeners)
    {
        var rows = new StringBuilder();
        Row(rows, "", "all", snapshot.Totals);
        foreach (var (upstream, models) in snapshot.Upstreams)
        {
            foreach (var (model, counts) in models)
            {
                Row(rows, upstream, model, counts);
            }
        }

        var aborts = new StringBuilder();
        foreach (var abort in snapshot.RecentAborts.Reverse().Take(20))
        {
            aborts.Append(CultureInfo.InvariantCulture, $"<tr><td>{abort.NoticedAt:HH:mm:ss.fff}<td>{WebUtility.HtmlEncode(abort.Model)}<td>{abort.Phase}<td class=n>{abort.Chunks}<td class=n>{abort.OpenForMs:0} ms</tr>");
        }

        return $$"""
            <!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Upstream emulator</title>
            <style>
              body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1c2126 }
              table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #e3e6e8 }
              .n { text-align: right; font-variant-numeric: tabular-nums } tbody tr:first-child { font-weight: 600 }
              @media (prefers-color-scheme: dark) { body { background: #15181b; color: #dde2e6 } th, td { border-color: #31373c } }
            </style>
            <h1>Upstream emulator</h1>
            <p>HTTP/1.1 {{string.Join(' ', listeners.Http1)}} · h2c {{string.Join(' ', listeners.H2c)}} · {{snapshot.At:HH:mm:ss}} UTC</p>
            <table><thead><tr><th>Upstream<th>Route or model<th class=n>Active<th class=n>Started<th class=n>Completed<th class=n>Refused<th class=n>Broken<th class=n>Aborted by peer<th class=n>Chunks</tr></thead>
            <tbody>{{rows}}</tbody></table>
            <h2>Last aborts by the peer</h2>
            <table><thead><tr><th>Noticed<th>Model<th>Phase<th class=n>Chunks sent<th class=n>Open for</tr></thead><tbody>{{aborts}}</tbody></table>
            </html>
            """;
    }

    private static void Row(StringBuilder rows, string upstream, string model, StatsCounts c) => rows.Append(
        CultureInfo.InvariantCulture,
        $"<tr><td>{WebUtility.HtmlEncode(upstream)}<td>{WebUtility.HtmlEncode(model)}<td class=n>{c.Active}<td class=n>{c.Started}<td class=n>{c.Completed}<td class=n>{c.Refused}<td class=n>{c.Broken}<td class=n>{c.Aborted}<td class=n>{c.Chunks}</tr>");
}
