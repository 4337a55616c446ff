-- marts below this model carry no clock; this one row says which run they come from
select
    '{{ invocation_id }}' as build_id,
    {{ account_mapping.as_of() }} as as_of
