{% macro stage_table(source_name, tables, as_text=false) %}
    {#- The rows of a source table of every CRM of a kind, with the columns that source_columns lists, typed.

        tables: one table, or several of one shape, of which the first one's description counts.
        as_text: leave the columns as text, dates with the month first, for models that clean them together with others.

        Each staged column takes the first source column that is filled, row by row. Beside them stand
            source_relation, source_table: where the row comes from,
            raw_<column>: the text of an `amount`,
            <column>_attribute: the source column taken, for those that are `named`,
            pass_through: the declared pass-through columns as JSON text, of an account table,
            extracted_at: when a loader wrote the row,
            is_current_version: false for a version that a loader closed (null of no such loader counts as current),
            is_deleted: whether a flag of the CRM or of a loader says so,
            row_problem: why the row is no record (`blank_rows`, `footer_rows`, `id_lost_digits`, `missing_id`), or null,
            notes: what could not be read, for account_mapping.staged_notes.
        A missing optional table gives no rows; a missing required table or column is an error. -#}
    {%- set tables = account_mapping.as_list(tables) -%}
    {%- set spec = account_mapping.source_columns(source_name)[tables[0]] -%}
    {%- set null_text = 'cast(null as ' ~ dbt.type_string() ~ ')' -%}
    {%- set is_account_table = 'account_name' in spec['columns'] and source_name in account_mapping.supported_crms() -%}
    {%- set instances = account_mapping.crm_instances(source_name)
        if source_name in account_mapping.supported_crms() else [none] -%}
    {%- set parts = [] -%}
    {%- set read = [] -%}
    {%- set text_dates = [] -%}
    {%- for instance in instances -%}
        {%- for table in tables -%}
            {%- set found = account_mapping.staged_table(source_name, table, instance) -%}
            {%- do parts.append((instance, table, found)) -%}
            {%- do read.extend(found['sources'].keys() | reject('in', read) | list) -%}
            {%- do text_dates.extend(found['text_dates'] | reject('in', text_dates) | list) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set columns = spec['columns'] %}
    with

    -- every column that a table has, as trimmed text
    texts as (
        {% for instance, table, found in parts %}
        select
            '{{ instance['name'] if instance else source_name }}' as source_relation,
            '{{ table }}' as source_table,
            {%- for staged in columns if staged in read %}
            {{ found['expressions'].get(staged, null_text) }} as {{ staged }},
            {%- endfor %}
            {%- for staged in spec.get('named', []) if staged in read %}
            {{ account_mapping._text_literal((found['sources'].get(staged) or [''])[0] | lower) }} as {{ staged }}_attribute,
            {%- endfor %}
            {%- if is_account_table %}
            {{ account_mapping.pass_through_json(source_name, instance, found['present']) }} as pass_through,
            {%- endif %}
            {{ found['extracted_at'] }} as extracted_at,
            {{ found['is_current_version'] }} as is_current_version,
            {{ found['is_deleted'] }} as is_deleted,
            {{ found['unreadable_flags'] }} as unreadable_flags
        {%- if found['relation'] %}
        from {{ found['relation'] }}
        {%- else %}
        where 1 = 0
        {%- endif %}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),
    {% if text_dates %}
    -- whether a column writes days before months is told by the values that can be read in one way only
    date_orders as (

        select
            source_relation,
            source_table,
            {%- for staged in text_dates %}
            max(case when {{ account_mapping.first_part_is_day(staged) }} then 1 else 0 end) as {{ staged }}_days,
            max(case when {{ account_mapping.second_part_is_day(staged) }} then 1 else 0 end) as {{ staged }}_months
            {{- ',' if not loop.last }}
            {%- endfor %}

        from texts
        group by source_relation, source_table

    ),
    {% endif %}
    typed as (

        select
            texts.source_relation,
            texts.source_table,
            {%- for staged, description in columns.items() %}
            {%- set column = 'texts.' ~ staged if staged in read else none %}
            {%- set day_first = 'date_orders.' ~ staged ~ '_days > date_orders.' ~ staged ~ '_months'
                if staged in text_dates else none %}
            {%- if as_text %}
            {{ account_mapping.month_first(column, day_first) if day_first else column or null_text }} as {{ staged }},
            {%- else %}
            {{ account_mapping.typed_column(column, description[0], day_first, is_iso=staged not in text_dates) }} as {{ staged }},
            {%- endif %}
            {%- if description[0] == 'amount' %}
            {{ column or null_text }} as raw_{{ staged }},
            {%- endif %}
            {%- if staged in spec.get('named', []) %}
            {{ 'texts.' ~ staged ~ '_attribute' if column else null_text }} as {{ staged }}_attribute,
            {%- endif %}
            {%- endfor %}
            {%- if is_account_table %}
            texts.pass_through,
            {%- endif %}
            {{ account_mapping.typed_column('texts.extracted_at' if 'extracted_at' in read else none, 'timestamp') }}
                as extracted_at,
            texts.is_current_version,
            texts.is_deleted,
            {{ account_mapping._row_problem(source_name, spec, read) | indent(12) }} as row_problem,
            {{ account_mapping._staged_notes(columns, read, text_dates) | indent(12) }} as notes

        from texts
        {%- if text_dates %}
        left join date_orders
            on
                texts.source_relation = date_orders.source_relation
                and texts.source_table = date_orders.source_table
        {%- endif %}

    )

    select * from typed
{% endmacro %}

{% macro _row_problem(source_name, spec, read) -%}
    {#- Why a row of stage_table is no record, as an expression on its texts; null where it is one. -#}
    {%- set id_patterns = {
        'salesforce': '^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$',
        'hubspot': '^[0-9]+([.][0-9]+)?([eE][+]?[0-9]+)?$',
        'pipedrive': '^[0-9]+([.][0-9]+)?([eE][+]?[0-9]+)?$',
        'dynamics_365': '^[{(]?[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}[)}]?$',
        'generic': '^[^ ]*$',
    } -%}
    {%- set all_texts, others, identity = [], [], [] -%}
    {%- for staged in spec['columns'] if staged in read -%}
        {%- do all_texts.append('texts.' ~ staged) -%}
        {%- do others.append('texts.' ~ staged) if staged != spec['key'][0] -%}
        {%- do identity.append('texts.' ~ staged) if staged in spec.get('identity', []) -%}
    {%- endfor -%}
    {%- if source_name not in id_patterns -%}
        cast(null as {{ dbt.type_string() }})
    {%- elif not all_texts or spec.get('needed', spec['key']) | reject('in', read) | list -%}
        'missing_id'
    {%- else -%}
    {%- set key = 'texts.' ~ spec['key'][0] -%}
    case
        when coalesce({{ all_texts | join(', ') }}, null) is null then 'blank_rows'
        {%- if others and spec['key'][0] in read %}
        -- a footer fills one cell, and what stands there is no id
        when
            coalesce({{ others | join(', ') }}, null) is null
            and not {{ account_mapping.matches_pattern(key, id_patterns[source_name]) }}
            then 'footer_rows'
        {%- endif %}
        {%- if identity %}
        when
            {{ key }} is not null
            and coalesce({{ identity | join(', ') }}, null) is null
            and {{ account_mapping.is_report_footer(key) }}
            then 'footer_rows'
        when
            {{ key }} is null
            and {{ account_mapping.is_report_footer('coalesce(' ~ (identity | join(', ')) ~ ', null)') }}
            then 'footer_rows'
        {%- elif not spec.get('identity') %}
        when {{ account_mapping.is_report_footer(key) }} then 'footer_rows'
        {%- endif %}
        {%- for staged in spec['key'] if spec['columns'][staged][0] == 'id' and staged in read %}
        when {{ account_mapping.id_lost_digits('texts.' ~ staged, is_clean=true) }} then 'id_lost_digits'
        {%- endfor %}
        when {% for staged in spec.get('needed', spec['key']) -%}
            texts.{{ staged }} is null{{ ' or ' if not loop.last }}
            {%- endfor %} then 'missing_id'
    end
    {%- endif -%}
{%- endmacro %}

{% macro _staged_notes(columns, read, text_dates) -%}
    {#- What of a row of stage_table could not be read, as an expression: `problem|column|value` for each, separated by
        chr(31); null where all could. -#}
    {%- set notes = ["coalesce(texts.unreadable_flags, '')"] -%}
    {%- for staged, description in columns.items() if staged in read -%}
        {%- set column = 'texts.' ~ staged -%}
        {%- set problem = {
            'boolean': 'flag_not_readable', 'decimal': 'number_not_readable', 'integer': 'number_not_readable',
            'rate': 'number_not_readable',
        }.get(description[0]) -%}
        {%- if problem -%}
            {%- do notes.append(account_mapping._note(problem, staged, column ~ ' is not null and '
                ~ account_mapping.typed_column(column, description[0]) ~ ' is null')) -%}
        {%- elif staged in text_dates -%}
            {%- set day_first = 'date_orders.' ~ staged ~ '_days > date_orders.' ~ staged ~ '_months' -%}
            {%- do notes.append(account_mapping._note('date_not_readable', staged, column ~ ' is not null and '
                ~ account_mapping.to_timestamp(column, day_first, is_clean=true) ~ ' is null')) -%}
            {%- do notes.append(account_mapping._note('ambiguous_dates', staged,
                'date_orders.' ~ staged ~ '_days = date_orders.' ~ staged ~ '_months and '
                ~ account_mapping.day_and_month_swap(column))) -%}
        {%- endif -%}
    {%- endfor -%}
    nullif({{ notes | join(' || ') }}, '')
{%- endmacro %}

{% macro _note(problem, staged, condition, text=none) -%}
    {#- One note of _staged_notes: its text where the condition holds, else the empty text. -#}
    case
        when {{ condition }}
            then {{ account_mapping._text_literal(problem ~ '|' ~ staged ~ '|') }} || left({{ text or 'texts.' ~ staged }}, 100) || chr(31)
        else ''
    end
{%- endmacro %}
