{% macro leads_mode() %}
    {#- What becomes of leads, by var account_mapping__leads: `off`, `evidence` or `records`. YAML reads a bare off as
        false. -#}
    {%- set written = var('account_mapping__leads') -%}
    {%- set mode = 'off' if written is false else written | string | trim | lower -%}
    {%- if mode not in ['off', 'evidence', 'records'] -%}
        {%- if account_mapping.is_building() -%}
            {%- do exceptions.raise_compiler_error(
                "account_mapping: var account_mapping__leads takes off, evidence or records, but holds: " ~ written ~ "."
            ) -%}
        {%- endif -%}
        {%- set mode = 'off' -%}
    {%- endif -%}
    {{- return(mode) -}}
{% endmacro %}
