{{ config(enabled='salesforce' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('salesforce', 'opportunity', candidates={
        'source_opportunity_id': ['id', 'opportunity id'],
        'source_account_id': ['account_id', 'accountid', 'account id'],
        'stage': ['stage_name', 'stagename', 'stage'],
        'amount': ['amount'],
        'currency': [
            'currency_iso_code', 'currencyisocode', 'amount currency', 'opportunity currency', 'currency',
        ],
        'is_closed': ['is_closed', 'isclosed', 'closed'],
        'is_won': ['is_won', 'iswon', 'won'],
        'close_date': ['close_date', 'closedate', 'close date'],
        'created_date': ['created_date', 'createddate', 'created date'],
        'is_deleted': ['is_deleted', 'isdeleted', 'deleted'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.salesforce_id_18('source_opportunity_id') }} as source_opportunity_id,
        {{ account_mapping.salesforce_id_18('source_account_id') }} as source_account_id,

        ---------- strings
        {{ account_mapping.clean_text('stage') }} as stage,
        {{ account_mapping.clean_text('amount') }} as raw_amount,
        {{ account_mapping.clean_text('currency') }} as currency,

        ---------- numerics
        {{ account_mapping.to_decimal('amount') }} as amount,

        ---------- booleans
        -- reports may come without the flags; Salesforce's own stage names then tell
        coalesce(
            {{ account_mapping.to_boolean('is_closed') }},
            case when lower({{ account_mapping.clean_text('stage') }}) in ('closed won', 'closed lost') then true end
        ) as is_closed,
        coalesce(
            {{ account_mapping.to_boolean('is_won') }},
            case lower({{ account_mapping.clean_text('stage') }})
                when 'closed won' then true
                when 'closed lost' then false
            end
        ) as is_won,
        coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version,

        ---------- timestamps
        {{ account_mapping.to_date('close_date') }} as close_date,
        {{ account_mapping.to_date('created_date') }} as created_date

    from source

)

select * from renamed
