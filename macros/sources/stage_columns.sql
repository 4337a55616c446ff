{% macro stage_columns(source_name, table_name, candidates, required=[], required_table=false, pass_through=false, named=[]) %}
    {#- A select of one source table that gives each staging column the first source column that exists.

        candidates: {staging column: [source column names, in order]}. Names are compared without regard to case;
            those of var account_mapping__column_candidates[source][table][staging column] are tried first.
        required: staging columns that must be found; a list among them means any one of its members.
        pass_through: add column `pass_through`, the declared pass-through columns as JSON text.
        named: staging columns for which `<column>_attribute` tells the lower-case name of the source column taken.
        Every column comes as text (see column_as_text), one that is missing as null, so that the cleaning macros
        meet one type whatever the loader wrote. A missing optional table gives no rows. -#}
    {%- set relation = account_mapping.source_table(source_name, table_name, required=required_table) -%}
    {%- set present = {} -%}
    {%- if relation -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do present.update({(column.name | trim | lower): column}) -%}
        {%- endfor -%}
    {%- endif -%}

    {%- set extra = var('account_mapping__column_candidates', {}).get(source_name, {}).get(table_name, {}) -%}
    {%- set accepted = {} -%}
    {%- set found = {} -%}
    {%- for staged, names in candidates.items() -%}
        {%- do accepted.update({staged: account_mapping.as_list(extra.get(staged)) + names}) -%}
        {%- for name in accepted[staged] if (name | trim | lower) in present and staged not in found -%}
            {%- do found.update({staged: present[name | trim | lower]}) -%}
        {%- endfor -%}
    {%- endfor -%}

    {%- if relation and account_mapping.is_building() -%}
        {%- do account_mapping._check_staged_columns(
            source_name, table_name, relation, present, extra, accepted, found, required) -%}
    {%- endif -%}

    {%- set missing = 'cast(null as ' ~ dbt.type_string() ~ ')' %}
    select
    {%- for staged in candidates %}
        {{ account_mapping.column_as_text(found[staged]) if staged in found else missing }} as {{ staged }}
        {%- if not loop.last or pass_through or named %},{% endif %}
    {%- endfor %}
    {%- for staged in named %}
        {{ "'" ~ (found[staged].name | lower | replace("'", "''")) ~ "'" if staged in found
            else missing }} as {{ staged }}_attribute
        {%- if not loop.last or pass_through %},{% endif %}
    {%- endfor %}
    {%- if pass_through %}
        {{ account_mapping.pass_through_json(source_name, present) }} as pass_through
    {%- endif %}
    {%- if relation %}
    from {{ relation }}
    {%- else %}
    where 1 = 0
    {%- endif %}
{% endmacro %}

{% macro _check_staged_columns(source_name, table_name, relation, present, extra, accepted, found, required) %}
    {#- Complaints of stage_columns: a required column that is missing, and a candidate for no staging column. -#}
    {%- for alternatives in required -%}
        {%- set names = account_mapping.as_list(alternatives) -%}
        {%- if names | select('in', found) | list | length == 0 -%}
            {%- set spellings = [] -%}
            {%- for staged in names -%}
                {%- do spellings.append(staged ~ " (accepted spellings: " ~ (accepted[staged] | join(', ')) ~ ")") -%}
            {%- endfor -%}
            {%- do exceptions.raise_compiler_error(
                "account_mapping: " ~ relation ~ " has no column for " ~ (spellings | join(' or for '))
                ~ ". Rename a column, or name yours in var account_mapping__column_candidates: {" ~ source_name
                ~ ": {" ~ table_name ~ ": {" ~ names[0] ~ ": [your_column]}}}. The table's columns: "
                ~ (present.keys() | join(', ')) ~ "."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- `loaded_at` is no staging column: it is for loaded_at_query -#}
    {%- for staged in extra if staged not in accepted and staged != 'loaded_at' -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: var account_mapping__column_candidates names `" ~ staged ~ "` for " ~ source_name ~ "."
            ~ table_name ~ ", which is not one of its staging columns: " ~ (accepted.keys() | join(', ')) ~ "."
        ) -%}
    {%- endfor -%}
{% endmacro %}
