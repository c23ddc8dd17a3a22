using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>The models whose name selects a behaviour. Every other model answers normally.</summary>
internal static class ModelPresets
{
    /// <summary>The markers that apply to each of these models before all others. The README has the same list.</summary>
    public static readonly IReadOnlyDictionary<string, string> Markers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["emulator/echo"] = "[[emu echo]]",
        ["emulator/fast"] = "[[emu every=0]]",
        ["emulator/slow"] = "[[emu first=2s every=250ms]]",
        ["emulator/reasoner"] = "[[emu reasoning]]",
        ["emulator/empty"] = "[[emu chunks=0]]",
        ["emulator/markup"] = "[[emu markup=double-bracket]]",
        ["emulator/markup-minimax"] = "[[emu markup=minimax]]",
        ["emulator/bad-request"] = "[[emu status=400]]",
        ["emulator/unauthorized"] = "[[emu status=401]]",
        ["emulator/no-credit"] = "[[emu status=402]]",
        ["emulator/forbidden"] = "[[emu status=403]]",
        ["emulator/missing"] = "[[emu status=404]]",
        ["emulator/timeout"] = "[[emu status=408]]",
        ["emulator/rate-limited"] = "[[emu status=429 retry-after=2]]",
        ["emulator/broken"] = "[[emu status=500]]",
        ["emulator/bad-gateway"] = "[[emu status=502 body=html]]",
        ["emulator/overloaded"] = "[[emu status=503 retry-after=1]]",
        ["emulator/hang"] = "[[emu hang=before-headers]]",
        ["emulator/silent"] = "[[emu hang=before-first]]",
        ["emulator/stall"] = "[[emu hang=mid]]",
        ["emulator/error-first"] = "[[emu error-after=0]]",
        ["emulator/error-mid"] = "[[emu error-after=5]]",
        ["emulator/cut"] = "[[emu cut-after=5]]",
        ["emulator/truncated"] = "[[emu cut-after=5 cut=eof]]",
    };

    private static readonly Dictionary<string, IReadOnlyList<MarkerBlock<Directions>>> Parsed =
        Markers.ToDictionary(m => m.Key, m => ChatMarkers.Language.Parse(m.Value).Blocks, StringComparer.OrdinalIgnoreCase);

    public static IReadOnlyList<MarkerBlock<Directions>> For(string model) => Parsed.TryGetValue(model, out var blocks) ? blocks : [];
}
