{% macro stage_outcome(stage) -%}
    {#- What the name of a deal's stage says of it, `won`, `lost` or null: for exports that come without flags. A name
        that holds `closed won` in any punctuation (`Closed Won - Expansion`, `5 - Closed/Won`) is won, and so is what
        the CRMs call the stage in German, French and Spanish. -#}
    {%- set word = account_mapping.letters_only(stage) -%}
    case
        when {{ account_mapping.matches_pattern(
            word,
            'closedwon|^won$|^(ab)?geschlossen(und)?gewonnen|^gewonnen$|^ferm(ee?)?gagn|^gagn|^cerrad[oa](y)?ganad|^ganad[oa]$'
        ) }} then 'won'
        when {{ account_mapping.matches_pattern(
            word,
            'closedlost|^lost$|^(ab)?geschlossen(und)?verloren|^verloren$|^ferm(ee?)?perdu|^perdu|^cerrad[oa](y)?perdid|^perdid[oa]$'
        ) }} then 'lost'
    end
{%- endmacro %}
