using System.Text;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers.Prompts;

/// <summary>The system prompts of a turn. Their texts are the <c>.md</c> files beside this file, embedded as resources.</summary>
internal static class SystemPrompts
{
    private static readonly string Persona = Text("persona");
    private static readonly string Standard = Text("standard");
    private static readonly string Reasoning = Text("reasoning");
    private static readonly string Fallback = Text("fallback");

    /// <summary>
    /// The prompts in the order in which they are sent: how to call tools in text (only for models without native tools), the strategy, the
    /// persona.
    /// </summary>
    /// <param name="tools">The tools that may be called; empty: the prompt about calling tools is left out.</param>
    public static IReadOnlyList<string> For(ModelCapability capability, IReadOnlyList<ToolDeclaration> tools)
    {
        var strategy = capability.Reasoning ? Reasoning : Standard;
        return capability.NativeTools || tools.Count == 0 ? [strategy, Persona] : [ToolInstructions(tools), strategy, Persona];
    }

    private static string ToolInstructions(IReadOnlyList<ToolDeclaration> tools)
    {
        var text = new StringBuilder(Fallback);
        foreach (var tool in tools)
        {
            text.Append("\n\n").Append(tool.Name).Append(": ").Append(tool.Description)
                .Append("\nArguments (JSON Schema): ").Append(tool.ParametersJson);
        }

        return text.ToString();
    }

    private static string Text(string name)
    {
        using var resource = typeof(SystemPrompts).Assembly.GetManifestResourceStream($"Prompts.{name}.md")
            ?? throw new InvalidOperationException($"The embedded resource Prompts.{name}.md is missing");
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd().Trim();
    }
}
