{% macro account_mapping__overlap_matrix_as_of(as_of) -%}
    {#- A query for the overlap matrix as it was on a day: what the last run up to that day published, rebuilt from
        history. Empty before the first run. For a model, an analysis, or `dbt show --inline`. -#}
    {%- if not var('account_mapping__history') -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: the matrix of a past day is made of history, which var account_mapping__history keeps when"
            ~ " it is true."
        ) -%}
    {%- endif -%}
    {%- if not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', as_of | string) -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: account_mapping__overlap_matrix_as_of takes a day as YYYY-MM-DD, not '" ~ as_of ~ "'."
        ) -%}
    {%- endif -%}
    {%- set day = "cast('" ~ as_of ~ "' as date)" -%}
    with

    history as (

        select * from {{ ref('int_account_mapping__history') }}
        where
            valid_from <= {{ day }}
            and (valid_to is null or valid_to > {{ day }})

    ),

    links as (

        select
            partner_id,
            'account' as rollup,
            account_id as our_unit_id,
            partner_account_id as partner_unit_id,
            {{ account_mapping.status_rank('our_status') }} as our_status_rank,
            our_open_amount,
            {{ account_mapping.status_rank('partner_status') }} as partner_status_rank,
            company_id,
            false as is_lone

        from history
        where
            record = 'overlap'
            and relationship = 'same'

        union all

        select
            partner_id,
            'parent' as rollup,
            our_unit_id,
            partner_unit_id,
            {{ account_mapping.status_rank('our_unit_status') }} as our_status_rank,
            our_unit_open_amount as our_open_amount,
            {{ account_mapping.status_rank('partner_unit_status') }} as partner_status_rank,
            family_id as company_id,
            false as is_lone

        from history
        where record = 'overlap'

    ),

    {% set lists = [
        ('ours', 'false', 'our_statuses'), ('ours', 'true', 'our_hidden_statuses'),
        ('partner', 'false', 'partner_statuses'), ('partner', 'true', 'partner_hidden_statuses'),
    ] -%}
    statuses as (

        {% for side, is_hidden, listed in lists -%}
        {% set outer = loop -%}
        {% for status in ['customer', 'open_opportunity', 'churned', 'prospect', 'not_shared'] -%}
        select
            partner_id,
            '{{ side }}' as side,
            {{ loop.index }} as status_rank,
            {{ is_hidden }} as is_hidden

        from history
        where
            record = 'partner'
            and '; ' || {{ listed }} || '; ' like '%; {{ status }}; %'
        {% if not (loop.last and outer.last) %}
        union all

        {% endif -%}
        {% endfor -%}
        {% endfor %}
    ),

    cells as (

        {{ account_mapping.matrix_query('links', 'statuses') | indent(8) }}

    ),

    -- by the name that it has today
    partners as (

        select * from {{ ref('int_account_mapping__named_partners') }}

    ),

    named as (

        select
            cells.partner_id,
            {{ account_mapping.partner_columns('cells') | indent(12) }},
            cells.rollup,
            cells.our_status,
            cells.partner_status,
            cells.our_accounts,
            cells.partner_accounts,
            cells.companies,
            cells.open_pipeline_amount,
            cells.cell_state

        from cells
        left join partners
            on cells.partner_id = partners.partner_id

    )

    select * from named
    order by partner_id, rollup, our_status, partner_status
{%- endmacro %}
