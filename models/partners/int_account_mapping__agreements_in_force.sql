{#- The least k of any count that leaves. -#}
{%- set least_minimum_count = 10 -%}
{%- set levels = ['hidden', 'counts', 'overlapping', 'all'] -%}
with

partners as (

    select partner_id from {{ ref('stg_account_mapping__settings_partners') }}
    where is_active

),

our_rules as (

    select * from {{ ref('stg_account_mapping__settings_sharing_agreements') }}

),

partner_rules as (

    select * from {{ ref('stg_account_mapping__partner_agreements') }}

),

-- who cannot be read in part is not understood at all: the rule that is lost may be the one that hides
unreadable_statements as (

    select
        partner_id,
        'us' as written_by

    from our_rules
    where not is_readable

    union

    select
        partner_id,
        'partner' as written_by

    from partner_rules
    where is_malformed

),

-- both statements as we see them. Who wrote a rule decides which of its statuses is the own one
stated as (

    select
        partner_id,
        'us' as written_by,
        case direction when 'offered' then 'out' else 'in' end as direction,
        our_status,
        partner_status,
        case when our_status = '*' then 0 else 2 end
        + case when partner_status = '*' then 0 else 1 end as specificity,
        sharing_level,
        shared_fields,
        minimum_count,
        valid_from,
        valid_until

    from our_rules

    union all

    select
        partner_id,
        'partner' as written_by,
        case direction when 'accepted' then 'out' else 'in' end as direction,
        partner_rules.partner_status as our_status,
        partner_rules.our_status as partner_status,
        case when partner_rules.our_status = '*' then 0 else 2 end
        + case when partner_rules.partner_status = '*' then 0 else 1 end as specificity,
        sharing_level,
        shared_fields,
        minimum_count,
        valid_from,
        valid_until

    from partner_rules

),

-- a rule before its first or after its last day is no rule
rules as (

    select
        row_number() over (
            order by
                stated.partner_id, stated.written_by, stated.direction, stated.our_status, stated.partner_status,
                stated.sharing_level, stated.shared_fields, stated.minimum_count, stated.valid_from,
                stated.valid_until
        ) as rule_id,
        stated.partner_id,
        stated.written_by,
        stated.direction,
        stated.our_status,
        stated.partner_status,
        stated.specificity,
        case stated.sharing_level
            {% for level in levels -%}
            when '{{ level }}' then {{ loop.index }}
            {% endfor -%}
        end as level_rank,
        stated.shared_fields,
        stated.minimum_count

    from stated
    left join unreadable_statements
        on
            stated.partner_id = unreadable_statements.partner_id
            and stated.written_by = unreadable_statements.written_by
    where
        unreadable_statements.partner_id is null
        and (stated.valid_from is null or stated.valid_from <= {{ account_mapping.as_of() }})
        and (stated.valid_until is null or stated.valid_until >= {{ account_mapping.as_of() }})

),

rule_field_items as (

    {{ account_mapping.explode_items('rules', 'shared_fields', ['rule_id']) | indent(4) }}

),

rule_fields as (

    select distinct
        rule_id,
        item as field

    from rule_field_items

),

our_statuses as (

    {% for status in ['customer', 'open_opportunity', 'churned', 'prospect'] -%}
    select '{{ status }}' as our_status
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}

),

partner_statuses as (

    {% for status in ['customer', 'open_opportunity', 'churned', 'prospect', 'not_shared'] -%}
    select '{{ status }}' as partner_status
    {% if not loop.last %}union all
    {% endif -%}
    {% endfor %}

),

directions as (

    select 'out' as direction
    union all
    select 'in' as direction

),

cells as (

    select
        partners.partner_id,
        directions.direction,
        our_statuses.our_status,
        partner_statuses.partner_status

    from partners
    cross join directions
    cross join our_statuses
    cross join partner_statuses

),

-- the most specific rules of each side, by cell
ranked as (

    select
        cells.*,
        rules.rule_id,
        rules.written_by,
        rules.level_rank,
        rules.minimum_count,
        dense_rank() over (
            partition by
                cells.partner_id, cells.direction, cells.our_status, cells.partner_status, rules.written_by
            order by rules.specificity desc
        ) as preference

    from cells
    inner join rules
        on
            cells.partner_id = rules.partner_id
            and cells.direction = rules.direction
            and rules.our_status in ('*', cells.our_status)
            and rules.partner_status in ('*', cells.partner_status)

),

deciding as (

    select * from ranked
    where preference = 1

),

decided as (

    select
        partner_id,
        direction,
        our_status,
        partner_status,
        min(level_rank) as level_rank,
        max(minimum_count) as minimum_count,
        count(distinct rule_id) as n_rules

    from deciding
    group by partner_id, direction, our_status, partner_status
    having count(distinct written_by) = 2

),

-- what we would share if the partner accepted everything
offered as (

    select
        partner_id,
        direction,
        our_status,
        partner_status,
        min(level_rank) as level_rank

    from deciding
    where written_by = 'us'
    group by partner_id, direction, our_status, partner_status

),

cell_fields as (

    select
        deciding.partner_id,
        deciding.direction,
        deciding.our_status,
        deciding.partner_status,
        rule_fields.field,
        count(*) as n_rules

    from deciding
    inner join rule_fields
        on deciding.rule_id = rule_fields.rule_id
    group by
        deciding.partner_id, deciding.direction, deciding.our_status, deciding.partner_status, rule_fields.field

),

common_fields as (

    select
        decided.partner_id,
        decided.direction,
        decided.our_status,
        decided.partner_status,
        {{ account_mapping.list_text('cell_fields.field', ';') }} as shared_fields

    from decided
    inner join cell_fields
        on
            decided.partner_id = cell_fields.partner_id
            and decided.direction = cell_fields.direction
            and decided.our_status = cell_fields.our_status
            and decided.partner_status = cell_fields.partner_status
            and decided.n_rules = cell_fields.n_rules
    group by decided.partner_id, decided.direction, decided.our_status, decided.partner_status

),

final as (

    select
        cells.partner_id,
        cells.direction,
        cells.our_status,
        cells.partner_status,
        case decided.level_rank
            {% for level in levels[1:] -%}
            when {{ loop.index + 1 }} then '{{ level }}'
            {% endfor -%}
            else 'hidden'
        end as sharing_level,
        coalesce(common_fields.shared_fields, '') as shared_fields,
        cast(
            greatest(coalesce(decided.minimum_count, 0), {{ least_minimum_count }}) as bigint
        ) as minimum_count,
        case offered.level_rank
            {% for level in levels -%}
            when {{ loop.index }} then '{{ level }}'
            {% endfor -%}
        end as our_level

    from cells
    left join decided
        on
            cells.partner_id = decided.partner_id
            and cells.direction = decided.direction
            and cells.our_status = decided.our_status
            and cells.partner_status = decided.partner_status
    left join common_fields
        on
            cells.partner_id = common_fields.partner_id
            and cells.direction = common_fields.direction
            and cells.our_status = common_fields.our_status
            and cells.partner_status = common_fields.partner_status
    left join offered
        on
            cells.partner_id = offered.partner_id
            and cells.direction = offered.direction
            and cells.our_status = offered.our_status
            and cells.partner_status = offered.partner_status

)

select * from final
