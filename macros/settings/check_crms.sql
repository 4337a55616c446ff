{% macro check_crms() %}
    {#- One clear error when var account_mapping__crms names no CRM, one that does not exist, or a name twice. -#}
    {%- if account_mapping.is_building() -%}
        {%- set named = account_mapping.as_list(var('account_mapping__crms', [])) -%}
        {%- set supported = account_mapping.supported_crms() -%}
        {%- set remedy = "Set var account_mapping__crms to the CRMs in use, out of: " ~ (supported | join(', '))
            ~ ". For example in dbt_project.yml: vars: {account_mapping__crms: [salesforce]}; a second one of a kind is"
            ~ " {name: salesforce_emea, kind: salesforce, schema: sf_emea}." -%}
        {%- if not named -%}
            {%- do exceptions.raise_compiler_error(
                "account_mapping: no CRM is named, so there are no accounts to map. " ~ remedy
            ) -%}
        {%- endif -%}
        {%- set seen = [] -%}
        {%- for entry in named -%}
            {%- set name = (entry.get('name') or entry.get('kind')) if entry is mapping else entry -%}
            {%- set kind = (entry.get('kind') or entry.get('name')) if entry is mapping else entry -%}
            {%- if kind not in supported -%}
                {%- do exceptions.raise_compiler_error(
                    "account_mapping: var account_mapping__crms names `" ~ kind ~ "`, which is not supported. " ~ remedy
                ) -%}
            {%- endif -%}
            {#- the last three mean something else in inputs and status rules -#}
            {%- set taken = supported + ['partners', 'own', 'partner'] -%}
            {%- if not modules.re.fullmatch('[a-z0-9][a-z0-9_]*', name | string) or (name in taken and name != kind) -%}
                {%- do exceptions.raise_compiler_error(
                    "account_mapping: `" ~ name ~ "` cannot name a CRM in var account_mapping__crms: use lower-case"
                    ~ " letters, digits and underscores, and no name that is taken: " ~ (taken | join(', ')) ~ ". " ~ remedy
                ) -%}
            {%- endif -%}
            {%- if name in seen -%}
                {%- do exceptions.raise_compiler_error(
                    "account_mapping: var account_mapping__crms names `" ~ name ~ "` twice. Give the second one a name"
                    ~ " and a schema of its own. " ~ remedy
                ) -%}
            {%- endif -%}
            {%- do seen.append(name) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
