namespace Sendcat.Reliability.Events;

/// <summary>The table of marks as its migration creates it.</summary>
internal static class IncidentTable
{
    public const string Create = """
        CREATE TABLE reliability.incident_marks (
            id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at      timestamptz NOT NULL,
            kind    text NOT NULL,
            subject text NOT NULL,
            title   text NOT NULL,
            detail  text,
            key     text NOT NULL
        );
        CREATE UNIQUE INDEX incident_marks_key ON reliability.incident_marks (key);
        CREATE INDEX incident_marks_at ON reliability.incident_marks (at);
        """;

    public const string Drop = "DROP TABLE reliability.incident_marks;";
}
