{%- set reporting_currency = var('account_mapping__currency') | upper -%}
with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

account_statuses as (

    select * from {{ ref('int_account_mapping__account_statuses') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

partner_statuses as (

    select * from {{ ref('int_account_mapping__partner_statuses') }}

),

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

excluded_accounts as (

    select * from {{ ref('int_account_mapping__excluded_accounts') }}

),

currency_rates as (

    select * from {{ ref('stg_account_mapping__settings_currency_rates') }}

),

scopes as (

    select '*' as scope
    union
    select account_scope as scope from partners

),

our_accounts as (

    select
        account_records.account_id,
        account_records.parent_account_id,
        account_statuses.status,
        account_statuses.open_amount

    from account_records
    inner join account_statuses
        on account_records.account_id = account_statuses.account_id

),

rated_partner_accounts as (

    select
        partner_records.partner_id,
        partner_records.account_id,
        partner_records.parent_account_id,
        partner_statuses.status,
        {{ account_mapping.convert_amount(
            'partner_records.open_amount',
            "case when partner_records.currency is null or upper(partner_records.currency) = '"
            ~ reporting_currency ~ "' then 1 else currency_rates.rate end"
        ) }} as open_amount

    from partner_records
    inner join partner_statuses
        on
            partner_records.partner_id = partner_statuses.partner_id
            and partner_records.account_id = partner_statuses.account_id
    left join currency_rates
        on upper(partner_records.currency) = currency_rates.currency

),

scoped as (

    select
        'ours' as side,
        scopes.scope,
        our_accounts.account_id,
        our_accounts.parent_account_id,
        our_accounts.status,
        our_accounts.open_amount

    from our_accounts
    cross join scopes

    union all

    select
        'partner' as side,
        partner_id as scope,
        account_id,
        parent_account_id,
        status,
        coalesce(open_amount, 0) as open_amount

    from rated_partner_accounts

),

-- side and scope together, so that one walk up serves all hierarchies
members as (

    select
        scoped.*,
        scoped.side || ' ' || scoped.scope as tree

    from scoped
    left join excluded_accounts
        on
            scoped.side = excluded_accounts.side
            and scoped.account_id = excluded_accounts.account_id
            and (
                scoped.scope = excluded_accounts.for_partner_id
                or (scoped.side = 'ours' and excluded_accounts.for_partner_id = '*')
            )
    where excluded_accounts.account_id is null

),

-- a deleted, unknown or excluded parent makes its children roots
edges as (

    select
        members.tree,
        members.account_id,
        members.parent_account_id

    from members
    inner join members as parents
        on
            members.tree = parents.tree
            and members.parent_account_id = parents.account_id
    where members.account_id <> members.parent_account_id

),

tree_roots as (

    {{ account_mapping.roots('edges', 'tree', 'account_id', 'parent_account_id') | indent(4) }}

),

placed as (

    select
        members.*,
        coalesce(tree_roots.root, members.account_id) as unit_id,
        coalesce(tree_roots.is_cyclic, false) as is_cyclic,
        {{ account_mapping.status_rank('members.status') }} as status_rank

    from members
    left join tree_roots
        on
            members.tree = tree_roots.tree
            and members.account_id = tree_roots.node

),

family_tops as (

    select distinct
        tree,
        root

    from tree_roots

),

-- most accounts are a family of one, so that only few rows have to be added up
families as (

    select
        placed.tree,
        placed.unit_id,
        min(placed.status_rank) as status_rank,
        sum(placed.open_amount) as open_amount

    from placed
    inner join family_tops
        on
            placed.tree = family_tops.tree
            and placed.unit_id = family_tops.root
    group by placed.tree, placed.unit_id

),

final as (

    select
        placed.side,
        placed.scope,
        placed.account_id,
        placed.unit_id,
        case
            when placed.unit_id <> placed.account_id then placed.parent_account_id
        end as parent_account_id,
        placed.status,
        placed.status_rank,
        cast(placed.open_amount as decimal(28, 2)) as open_amount,
        coalesce(families.status_rank, placed.status_rank) as unit_status_rank,
        cast(coalesce(families.open_amount, placed.open_amount) as decimal(28, 2)) as unit_open_amount,
        placed.is_cyclic

    from placed
    left join families
        on
            placed.tree = families.tree
            and placed.unit_id = families.unit_id

)

select * from final
